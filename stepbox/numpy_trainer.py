"""The NumPy engine: gradient descent by the hand-written gradients, one sample at a time."""

import numpy as np
from numpy.typing import NDArray

from stepbox.activations import ACTIVATIONS, Array
from stepbox.backprop import backward
from stepbox.datasets import Dataset, scale_pixels
from stepbox.losses import cross_entropy
from stepbox.network import Network
from stepbox.recipe import Recipe
from stepbox.trainer import Trainer


class NumpyTrainer(Trainer):
    """Stochastic gradient descent in float64.

    A batch of several samples adds up their single gradients and goes one step
    along the mean. With one sample a batch the step is taken at once, which the
    recipe's ``published`` gradient needs: see `backward`.
    """

    device = "cpu"

    def __init__(self, recipe: Recipe, train_set: Dataset) -> None:
        super().__init__(recipe, train_set)
        self.set_network(
            Network.initial(recipe.layer_sizes, ACTIVATIONS[recipe.activation], recipe.seed)
        )

    def network(self) -> Network:
        """Return a copy of the present network."""
        return self._network.copy()

    def set_network(self, network: Network) -> None:
        """Go on from a copy of these weights and biases."""
        self._network = network.copy()
        # Reused by every sample: to allocate arrays of this size costs more than to fill them.
        self._steps = [np.empty_like(weights) for weights in network.weights]
        self._batch_step = network.copy()

    def train_samples(self, indices: NDArray[np.int64]) -> float:
        """Train on these samples in this order, batch by batch, and return their summed loss."""
        batch_size = self.recipe.batch_size
        inputs = scale_pixels(self.train_set.images[indices], self.recipe.pixel_scale)
        labels = self.train_set.labels[indices]
        logits = np.empty((len(indices), self.recipe.layer_sizes[-1]))
        with np.errstate(over="ignore", invalid="ignore"):  # a diverging loss is seen by `train`
            for start in range(0, len(indices), batch_size):
                batch = slice(start, start + batch_size)
                logits[batch] = self._train_batch(inputs[batch], labels[batch])
            return float(cross_entropy(logits, labels).sum())

    def _train_batch(self, inputs: Array, labels: NDArray[np.uint8]) -> list[Array]:
        """Take one step along the mean gradient; return the logits seen before it."""
        network = self._network
        rate = self.recipe.learning_rate / len(inputs)
        moved = network
        if self.recipe.batch_size > 1:
            moved = self._batch_step
            for array in (*moved.weights, *moved.biases):
                array.fill(0)

        seen = []
        for sample, label in zip(inputs, labels, strict=True):
            pre_activations, activations = network.forward(sample)
            deltas = backward(network, pre_activations, activations, label, self.recipe.gradient)
            # The exact gradient is that of the weights as they were, in every layer.
            for layer, delta in list(deltas) if self.recipe.gradient == "exact" else deltas:
                step = rate * delta
                moved.weights[layer] -= np.outer(step, activations[layer], self._steps[layer])
                moved.biases[layer] -= step
            seen.append(pre_activations[-1])

        if moved is not network:
            for layer in range(len(network.weights)):
                network.weights[layer] += moved.weights[layer]
                network.biases[layer] += moved.biases[layer]
        return seen
