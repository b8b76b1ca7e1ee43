"""The baselines of a convolutional network that is trained on one sample at a time.

`PerSampleIm2col` trains as the source trains dense layers: in a Python loop over the samples, with
new arrays in each step. `PerSampleTorch` is torch with batches of one sample, which are in memory.
"""

from itertools import pairwise

import numpy as np
import torch
from numpy.lib.stride_tricks import sliding_window_view
from torch import nn

from stepbox.data.builtin import DATASETS
from stepbox.data.dataset import Dataset
from stepbox.nn.activations import Array
from stepbox.nn.convolution import ConvolutionSpec
from stepbox.nn.layer import LayerSpec
from stepbox.nn.pooling import MaxPoolSpec
from stepbox.training.recipe import Recipe


def specs_of(recipe: Recipe) -> tuple[LayerSpec, ...]:
    """Return the layers of a recipe: convolutions of stride 1 without padding, pools, dense."""
    return recipe.layer_specs(DATASETS[recipe.dataset])


def im2col(image: Array, kernel: int) -> Array:
    """Return all windows of an image (height, width, channels), a row for each."""
    windows = sliding_window_view(image, (kernel, kernel), axis=(0, 1))
    return np.ascontiguousarray(windows).reshape(-1, image.shape[2] * kernel * kernel)


class PerSampleIm2col:
    """Per-sample backpropagation with ReLU, with a matrix product for each layer."""

    def __init__(self, recipe: Recipe, train_set: Dataset) -> None:
        rng = np.random.default_rng(recipe.seed)
        self.specs = specs_of(recipe)
        self.dtype = np.float32 if recipe.single_precision else np.float64
        self.parameters = []
        for spec in self.specs:
            if isinstance(spec, MaxPoolSpec):
                self.parameters.append((np.empty(0), np.empty(0)))
                continue
            n_out = spec.output_shape[-1]
            n_in = spec.parameters // n_out - 1
            weights = rng.normal(0, np.sqrt(2 / n_in), (n_in, n_out)).astype(self.dtype)
            self.parameters.append((weights, np.zeros(n_out, self.dtype)))
        self.learning_rate = self.dtype(recipe.learning_rate)
        self.images, self.labels = train_set.samples, train_set.labels

    def train_epoch(self) -> float:
        """Train on every sample once; return the mean loss."""
        return float(np.mean([self._step(*s) for s in zip(self.images, self.labels, strict=True)]))

    def _step(self, image: Array, label: int) -> float:
        a = (image.reshape(28, 28, 1) / 255).astype(self.dtype)
        seen = []  # what the way back needs: inputs as rows, and the slopes or winners
        for spec, (weights, biases) in zip(self.specs, self.parameters, strict=True):
            if isinstance(spec, MaxPoolSpec):
                rows, columns, channels = spec.output_shape
                size = spec.size
                cells = a[: rows * size, : columns * size].reshape(rows, size, columns, size, -1)
                cells = cells.transpose(0, 2, 4, 1, 3).reshape(rows, columns, channels, -1)
                seen.append((a, cells.argmax(axis=-1)))
                a = cells.max(axis=-1)
                continue
            inputs = (
                im2col(a, spec.kernel)
                if isinstance(spec, ConvolutionSpec)
                else a.reshape(1, spec.inputs)
            )
            z = inputs @ weights + biases
            seen.append((inputs, z > 0))
            a = np.maximum(z, 0).reshape(spec.output_shape)
        probabilities = np.exp(z[0] - z[0].max())
        probabilities /= probabilities.sum()
        target = np.zeros(len(probabilities), self.dtype)
        target[label] = 1
        delta = (probabilities - target)[np.newaxis]
        steps = []
        for index in range(len(self.specs) - 1, -1, -1):
            spec, (weights, _) = self.specs[index], self.parameters[index]
            inputs, mask = seen[index]
            if isinstance(spec, MaxPoolSpec):
                one = np.arange(spec.size**2) == mask[..., np.newaxis]
                rows, columns, channels = spec.output_shape
                parts = (one * delta.reshape(spec.output_shape)[..., np.newaxis]).reshape(
                    rows, columns, channels, spec.size, spec.size
                )
                delta = np.zeros(spec.input_shape, self.dtype)
                spread = parts.transpose(0, 3, 1, 4, 2)
                delta[: rows * spec.size, : columns * spec.size] = spread.reshape(
                    rows * spec.size, columns * spec.size, channels
                )
                continue
            if index < len(self.specs) - 1:
                delta = delta.reshape(mask.shape) * mask
            steps.append((index, inputs.T @ delta, delta.sum(axis=0)))
            if index == 0:
                break
            passed = delta @ weights.T
            if isinstance(spec, ConvolutionSpec):
                rows, columns, _ = spec.output_shape
                passed = passed.reshape(rows, columns, -1, spec.kernel, spec.kernel)
                delta = np.zeros(spec.input_shape, self.dtype)
                for u in range(spec.kernel):
                    for v in range(spec.kernel):
                        delta[u : u + rows, v : v + columns] += passed[..., u, v]
            else:
                delta = passed
        for index, by_weights, by_biases in steps:
            weights, biases = self.parameters[index]
            self.parameters[index] = (
                weights - self.learning_rate * by_weights,
                biases - self.learning_rate * by_biases,
            )
        return float(-np.log(max(probabilities[label], 1e-30)))


class PerSampleTorch:
    """torch with batches of one sample: autograd and its own gradient descent."""

    def __init__(self, recipe: Recipe, train_set: Dataset) -> None:
        torch.manual_seed(recipe.seed)
        modules: list[nn.Module] = []
        specs = specs_of(recipe)
        for before, spec in pairwise((None, *specs)):
            if isinstance(spec, MaxPoolSpec):
                modules.append(nn.MaxPool2d(spec.size, spec.stride))
            elif isinstance(spec, ConvolutionSpec):
                n_in = spec.input_shape[2]
                modules += [nn.Conv2d(n_in, spec.channels, spec.kernel), nn.ReLU()]
            else:
                assert spec is not None
                flatten = [nn.Flatten()] if before is None or len(before.output_shape) > 1 else []
                modules += [*flatten, nn.Linear(spec.inputs, spec.outputs), nn.ReLU()]
        self.model = nn.Sequential(*modules[:-1])
        self.loss = nn.CrossEntropyLoss()
        self.optimizer = torch.optim.SGD(self.model.parameters(), lr=recipe.learning_rate)
        images = train_set.samples[:, np.newaxis].astype(np.float32) / 255
        self.images = torch.from_numpy(images).split(1)
        self.labels = torch.from_numpy(train_set.labels.astype(np.int64)).split(1)

    def train_epoch(self) -> float:
        """Train on every sample once; return the mean loss."""
        total = torch.zeros(())
        for inputs, labels in zip(self.images, self.labels, strict=True):
            loss = self.loss(self.model(inputs), labels)
            self.optimizer.zero_grad()
            loss.backward()
            self.optimizer.step()
            total += loss.detach()
        return float(total) / len(self.labels)
