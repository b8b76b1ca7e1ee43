"""The torch engine: mini-batch gradient descent by autograd, on CUDA where a device is visible."""

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from stepbox.activations import ACTIVATIONS
from stepbox.datasets import Dataset, scale_pixels
from stepbox.errors import OutOfDeviceMemoryError
from stepbox.network import Network
from stepbox.recipe import ActivationName, Recipe
from stepbox.trainer import Trainer

# Batches of this size gain little from a second thread and lose tenfold where cores are shared;
# and with one thread the sums, so the weights, do not depend on the number of cores.
torch.set_num_threads(1)

MODULES: dict[ActivationName, type[nn.Module]] = {
    "sigmoid": nn.Sigmoid,
    "tanh": nn.Tanh,
    "relu": nn.ReLU,
}


class TorchTrainer(Trainer):
    """Stochastic gradient descent in float32 from torch's own initial weights.

    The whole data set lies on the device as one tensor: a batch is a row gather,
    and nothing is copied or synchronised between two reports.
    """

    def __init__(self, recipe: Recipe, train_set: Dataset) -> None:
        super().__init__(recipe, train_set)
        self.device = "cuda" if torch.cuda.is_available() else "cpu"
        model = initial_model(recipe)
        inputs = scale_pixels(train_set.images, recipe.pixel_scale, np.float32)
        with out_of_memory_explained(recipe.batch_size):
            self._model = model.to(self.device)
            self._inputs = torch.from_numpy(inputs).to(self.device)
            self._labels = torch.from_numpy(train_set.labels.astype(np.int64)).to(self.device)
        self._layers = [module for module in model if isinstance(module, nn.Linear)]
        self._optimizer = torch.optim.SGD(model.parameters(), lr=recipe.learning_rate)
        self._loss = nn.CrossEntropyLoss()

    def network(self) -> Network:
        """Return a NumPy copy of the present network, in float32."""
        return Network(
            [layer.weight.numpy(force=True).copy() for layer in self._layers],
            [layer.bias.numpy(force=True).copy() for layer in self._layers],
            ACTIVATIONS[self.recipe.activation],
        )

    def set_network(self, network: Network) -> None:
        """Go on from a copy of these weights and biases."""
        with torch.no_grad():
            for layer, weights, biases in zip(
                self._layers, network.weights, network.biases, strict=True
            ):
                layer.weight.copy_(torch.from_numpy(weights))
                layer.bias.copy_(torch.from_numpy(biases))

    def train_samples(self, indices: NDArray[np.int64]) -> float:
        """Train on these samples in this order, batch by batch, and return their summed loss."""
        with out_of_memory_explained(self.recipe.batch_size):
            loss_sum = torch.zeros((), dtype=torch.float64, device=self.device)
            order = torch.from_numpy(indices).to(self.device)
            for batch in torch.split(order, self.recipe.batch_size):
                loss = self._loss(self._model(self._inputs[batch]), self._labels[batch])
                self._optimizer.zero_grad()
                loss.backward()
                self._optimizer.step()
                loss_sum += loss.detach() * len(batch)
            return loss_sum.item()


def initial_model(recipe: Recipe) -> nn.Sequential:
    """Build the untrained model on the CPU, with torch's default weights for the recipe's seed."""
    sizes = recipe.layer_sizes
    with torch.random.fork_rng(devices=[]):  # leaves the process's own random state alone
        torch.manual_seed(recipe.seed)
        modules: list[nn.Module] = [nn.Linear(sizes[0], sizes[1])]
        for n_in, n_out in pairwise(sizes[1:]):
            modules += [MODULES[recipe.activation](), nn.Linear(n_in, n_out)]
    return nn.Sequential(*modules)


def visible_device() -> tuple[str, str]:
    """Name the device that trainings run on, and say why it is that one."""
    if torch.cuda.is_available():
        return f"cuda ({torch.cuda.get_device_name()})", "a CUDA device is visible"
    if torch.version.cuda is None:
        return "cpu", "this build of torch has no CUDA"
    return "cpu", "no CUDA device is visible"


@contextmanager
def out_of_memory_explained(batch_size: int) -> Iterator[None]:
    """Turn torch's report of a full device into an error that says what to do."""
    try:
        yield
    except torch.OutOfMemoryError as error:
        raise OutOfDeviceMemoryError(
            f"the device ran out of memory with batch_size {batch_size}: choose a smaller "
            "batch_size or smaller hidden_sizes, or train where no CUDA device is visible"
        ) from error
