"""The NumPy engine: gradient descent by the hand-written gradients, one sample at a time."""

from collections.abc import Mapping
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from stepbox.data.dataset import Dataset, scale_pixels
from stepbox.nn.activations import ACTIVATIONS, Array
from stepbox.nn.kernels import dense as kernel
from stepbox.nn.kernels.compiling import instruction_set
from stepbox.nn.network import Network
from stepbox.training.computer import ComputerReport, processor_name
from stepbox.training.recipe import Recipe
from stepbox.training.trainer import Trainer


class NumpyTrainer(Trainer):
    """Stochastic gradient descent in float64, or float32 where the recipe says so.

    What a step is stands in `backprop.descend`; here its compiled form runs.
    """

    device = "cpu"

    def __init__(self, recipe: Recipe, train_set: Dataset, *, compiled: bool = True) -> None:
        super().__init__(recipe, train_set)
        self._sizes = np.array(recipe.layer_sizes)
        dtype = np.float32 if recipe.single_precision else np.float64
        greys = np.arange(256).reshape(256, 1, 1)
        self._greys = scale_pixels(greys, recipe.pixel_scale, dtype)[:, 0].copy()
        self._parameters = pack(
            Network.initial(
                recipe.layer_sizes,
                ACTIVATIONS[recipe.activation],
                recipe.seed,
                recipe.initialization,
                dtype,
            )
        )

    def network(self) -> Network:
        """Return a copy of the present network."""
        return unpack(self._parameters, self.recipe)

    def computer(self) -> ComputerReport:
        """Tell what trains, beyond the recipe."""
        return ComputerReport(processor=processor_name(), instructions=instruction_set(), threads=1)

    def arrays(self) -> dict[str, Array]:
        """Return a copy of all that steps change."""
        return {"parameters": self._parameters.copy()}

    def set_arrays(self, arrays: Mapping[str, Array]) -> None:
        """Go on from a copy of what `arrays` returned."""
        self._parameters = arrays["parameters"].copy()

    def train_samples(self, indices: NDArray[np.int64]) -> float:
        """Train on these samples in this order, batch by batch, and return their summed loss."""
        recipe = self.recipe
        images = self.augmented_images(indices).reshape(len(indices), -1)
        if missing := -images.shape[1] % kernel.WORD:
            images = np.pad(images, ((0, 0), (0, missing)))
        return kernel.descend(
            self._parameters,
            self._sizes,
            kernel.CODES[recipe.activation],
            recipe.gradient == "published",
            images,
            self._greys,
            self.train_set.labels[indices],
            recipe.batch_size,
            self.learning_rates(len(indices)).astype(self._parameters.dtype),
        )


def pack(network: Network) -> Array:
    """Lay a network out for `kernel.descend`: each layer's weights input-major, then its biases."""
    return np.concatenate(
        [
            np.concatenate([weights.T.ravel(), biases])
            for weights, biases in zip(network.weights, network.biases, strict=True)
        ]
    )


def unpack(parameters: Array, recipe: Recipe) -> Network:
    """Make the network that `pack` laid out."""
    weights, biases, start = [], [], 0
    for n_in, n_out in pairwise(recipe.layer_sizes):
        rows = parameters[start : start + (n_in + 1) * n_out].reshape(n_in + 1, n_out)
        weights.append(rows[:-1].T.copy())
        biases.append(rows[-1].copy())
        start += rows.size
    return Network(weights, biases, ACTIVATIONS[recipe.activation])
