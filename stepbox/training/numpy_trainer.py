"""The NumPy engine: gradient descent with the hand-written gradients, one sample at a time."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stepbox.data.dataset import Dataset, scale_pixels
from stepbox.nn.activations import Array
from stepbox.nn.backprop import descend
from stepbox.nn.kernels.chain import Chain
from stepbox.nn.kernels.compiling import instruction_set
from stepbox.nn.kernels.descend import WORD
from stepbox.nn.losses import cross_entropy
from stepbox.nn.network import Network
from stepbox.training.computer import ComputerReport, processor_name
from stepbox.training.recipe import Recipe
from stepbox.training.trainer import Trainer


class NumpyTrainer(Trainer):
    """Stochastic gradient descent in float64, or float32 if the recipe says so.

    `backprop.descend` defines what a step is. Its compiled form runs here, unless the caller asks
    for the definition itself, or the network has layers without a compiled form.
    """

    device = "cpu"

    def __init__(
        self,
        recipe: Recipe,
        train_set: Dataset,
        start: Network | None = None,
        *,
        compiled: bool = True,
    ) -> None:
        super().__init__(recipe, train_set, start)
        self._dtype = np.dtype(np.float32 if recipe.single_precision else np.float64)
        self._network = self.started(
            Network.initial(
                recipe.layer_specs(train_set.spec), recipe.seed, recipe.initialization, self._dtype
            )
        )
        weights = self.class_weights
        if weights is None:
            weights = np.ones(len(train_set.spec.classes))
        self._class_weights = weights.astype(self._dtype)
        self._chain = Chain.of(self._network) if compiled else None
        if self._chain is None:
            self._arrays = self._network.named_arrays()
        else:
            # The loop looks up the input for each grey level, unless inputs are standardized.
            self._greys = (
                scale_pixels(np.arange(256), recipe.pixel_scale, self._dtype).ravel()
                if self.standardization is None
                else None
            )
            self._arrays = {self._chain.order: self._chain.parameters}

    def network(self) -> Network:
        """Return a copy of the network in its current state."""
        network = self._view().copy()
        if self.standardization is not None:
            self.standardization.fold(network)
        return network

    def parameters(self) -> dict[str, Array]:
        """Return the parameters, for standardized inputs if they are standardized."""
        return self._view().named_arrays()

    def _view(self) -> Network:
        """Return the network in its current state, which the next step changes."""
        return self._network if self._chain is None else self._chain.view()

    def computer(self) -> ComputerReport:
        """Describe the processor and the instructions that the training runs on."""
        return ComputerReport(processor=processor_name(), instructions=instruction_set(), threads=1)

    def arrays(self) -> dict[str, Array]:
        """Return a copy of every array that a step changes."""
        return {name: array.copy() for name, array in self._arrays.items()}

    def set_arrays(self, arrays: Mapping[str, Array]) -> None:
        """Restore the arrays that `arrays` returned."""
        for name, array in self._arrays.items():
            array[:] = arrays[name]

    def train_samples(self, indices: NDArray[np.int64]) -> tuple[Array, NDArray[np.bool_]]:
        """Train on these samples in order, batch by batch; return their losses and the mistakes."""
        samples: NDArray[Any] = self.next_samples(indices)
        labels = self.train_set.labels[indices].astype(np.int64)
        rates = self.next_rates(len(indices)).astype(self._dtype)
        if self._chain is None:
            return self._train_by_definition(samples, labels, rates)
        if self._greys is None:
            samples = self.inputs(samples, self._dtype)
        else:
            samples = samples.reshape(len(samples), -1)
            if missing := -samples.shape[1] % WORD:
                samples = np.pad(samples, ((0, 0), (0, missing)))
        return self._chain.descend(
            self.recipe.gradient == "published",
            samples,
            self._greys,
            labels,
            self._class_weights,
            self.recipe.batch_size,
            rates,
        )

    def _train_by_definition(
        self, samples: NDArray[Any], labels: NDArray[np.int64], rates: Array
    ) -> tuple[Array, NDArray[np.bool_]]:
        inputs = self.inputs(samples, self._dtype)
        logits = []
        for number, rate in enumerate(rates):
            batch = slice(number * self.recipe.batch_size, (number + 1) * self.recipe.batch_size)
            with np.errstate(over="ignore", invalid="ignore"):  # the loss shows a divergence
                logits.append(
                    descend(
                        self._network,
                        inputs[batch],
                        labels[batch],
                        rate,
                        self.recipe.gradient,
                        self._class_weights,
                    )
                )
        answers = np.concatenate(logits)
        with np.errstate(over="ignore", invalid="ignore"):
            losses = cross_entropy(answers, labels) * self._class_weights[labels]
        return losses.astype(np.float64), answers.argmax(axis=1) != labels
