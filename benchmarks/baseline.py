"""The baseline of the benchmarks: training as the source (the original coursework) does it.

This code is straightforward and not optimized. The NumPy version trains on one sample at a time,
with one-hot vectors and new arrays in each step. The torch version gets its batches from a
`DataLoader`, which decodes one image at a time, and reads the loss after each batch.
"""

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, Subset
from torchvision.datasets import FashionMNIST
from torchvision.transforms import ToTensor

from stepbox.data.builtin import DATASETS
from stepbox.data.dataset import Dataset
from stepbox.nn.activations import Array
from stepbox.training.recipe import Recipe


def sigmoid(z: Array) -> Array:
    """Return 1 / (1 + exp(−z))."""
    return 1 / (1 + np.exp(-z))


def sigmoid_derivative(z: Array) -> Array:
    """Return σ′(z)."""
    return sigmoid(z) * (1 - sigmoid(z))


def layer_sizes(recipe: Recipe) -> list[int]:
    """Return the neurons of each layer of a recipe with dense layers, starting at the input."""
    specs = recipe.layer_specs(DATASETS[recipe.dataset])
    return [specs[0].inputs, *(spec.outputs for spec in specs)]


def softmax(z: Array) -> Array:
    """Return the probabilities of a column of logits."""
    exponentials = np.exp(z - np.max(z))
    return exponentials / np.sum(exponentials)


class PerSampleNumpy:
    """Per-sample backpropagation with columns of shape (n, 1)."""

    def __init__(self, recipe: Recipe, train_set: Dataset) -> None:
        rng = np.random.default_rng(recipe.seed)
        sizes = layer_sizes(recipe)
        self.weights = [
            rng.normal(0, np.sqrt(1 / max(n_in, n_out)), (n_out, n_in))
            for n_in, n_out in pairwise(sizes)
        ]
        self.biases = [np.zeros((n_out, 1)) for n_out in sizes[1:]]
        self.learning_rate = recipe.learning_rate
        self.images, self.labels = train_set.samples, train_set.labels

    def train_epoch(self) -> float:
        """Train on every sample once; return the mean loss."""
        losses = []
        for image, label in zip(self.images, self.labels, strict=True):
            target = np.zeros((10, 1))
            target[label] = 1
            pre_activations, activations = [], [image.reshape(784, 1) / 255]
            for w, b in zip(self.weights, self.biases, strict=True):
                pre_activations.append(np.dot(w, activations[-1]) + b)
                activations.append(sigmoid(pre_activations[-1]))
            probabilities = softmax(pre_activations[-1])
            losses.append(-np.sum(target * np.log(probabilities)))
            delta = probabilities - target
            weight_gradients, bias_gradients = [], []
            for layer in reversed(range(len(self.weights))):
                weight_gradients.insert(0, np.dot(delta, activations[layer].T))
                bias_gradients.insert(0, delta)
                if layer:
                    slope = sigmoid_derivative(pre_activations[layer - 1])
                    delta = np.dot(self.weights[layer].T, delta) * slope
            self.weights = [
                w - self.learning_rate * g
                for w, g in zip(self.weights, weight_gradients, strict=True)
            ]
            self.biases = [
                b - self.learning_rate * g for b, g in zip(self.biases, bias_gradients, strict=True)
            ]
        return float(np.mean(losses))


class DataLoaderTorch:
    """Mini-batches from a `DataLoader`, autograd, and `.item()` after each batch."""

    def __init__(self, recipe: Recipe, folder: Path, samples: int) -> None:
        torch.manual_seed(recipe.seed)
        modules: list[nn.Module] = [nn.Flatten()]
        sizes = layer_sizes(recipe)
        for n_in, n_out in pairwise(sizes):
            modules += [nn.Linear(n_in, n_out), nn.ReLU()]
        self.model = nn.Sequential(*modules[:-1])
        self.loss = nn.CrossEntropyLoss()
        self.optimizer = torch.optim.SGD(self.model.parameters(), lr=recipe.learning_rate)
        images = FashionMNIST(str(folder), train=True, transform=ToTensor())
        self.loader = DataLoader(Subset(images, range(samples)), recipe.batch_size, shuffle=True)

    def train_epoch(self) -> float:
        """Train on every sample once; return the mean loss."""
        return float(np.mean(list(self._losses())))

    def _losses(self) -> Iterator[float]:
        for inputs, labels in self.loader:
            loss = self.loss(self.model(inputs), labels)
            self.optimizer.zero_grad()
            loss.backward()
            self.optimizer.step()
            yield loss.item()
