"""The torch model of a recipe, and how the trained model becomes a plain network."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from stepbox.data.dataset import DatasetSpec
from stepbox.errors import InvalidInputError
from stepbox.nn.activations import ActivationName, Array
from stepbox.nn.convolution import ConvolutionSpec
from stepbox.nn.dense import DenseSpec
from stepbox.nn.layer import LayerSpec, Shape
from stepbox.nn.network import Network, type_of
from stepbox.nn.pooling import MaxPoolSpec
from stepbox.nn.windows import WindowedSpec
from stepbox.training.recipe import Recipe
from stepbox.training.standardization import Standardization

ACTIVATION_MODULES: dict[ActivationName, type[nn.Module]] = {
    "sigmoid": nn.Sigmoid,
    "tanh": nn.Tanh,
    "relu": nn.ReLU,
    "gelu": nn.GELU,
}


# The parameters of a module have the names of the layer's arrays.
LAYER_MODULES: dict[type[LayerSpec], Callable[[Any], nn.Module]] = {
    DenseSpec: lambda spec: nn.Linear(spec.inputs, spec.outputs),
    ConvolutionSpec: lambda spec: nn.Conv2d(
        spec.input_shape[2], spec.channels, spec.kernel, spec.stride, spec.padding
    ),
    MaxPoolSpec: lambda spec: nn.MaxPool2d(spec.size, spec.stride),
}


class Images(nn.Module):
    """View vectors, shape (n, h · w · c), as images, shape (n, c, h, w), channels last in memory.

    Torch's functions for images number the axes in this order, whatever the order in memory.
    """

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self._shape = shape

    def forward(self, vectors: Tensor) -> Tensor:
        """Return a view."""
        return vectors.view(-1, *self._shape).permute(0, 3, 1, 2)


class Vectors(nn.Module):
    """Flatten images, shape (n, c, h, w), into vectors, in the order height, width, channels."""

    def forward(self, images: Tensor) -> Tensor:
        """Return a view if the images are channels last in memory."""
        return images.permute(0, 2, 3, 1).flatten(1)


def initial_model(
    recipe: Recipe, spec: DatasetSpec, standardization: Standardization | None = None
) -> nn.Sequential:
    """Build the untrained model on the CPU; torch draws its weights from the recipe's seed.

    Parameters
    ----------
    recipe, spec
        The recipe, and its data set.
    standardization
        How the inputs will be standardized: a first convolution pads them with black.
    """
    specs = recipe.layer_specs(spec)
    black = 0.0
    if standardization is not None:
        black = standardization.black
    with torch.random.fork_rng(devices=[]):  # restores the random state of the process
        torch.manual_seed(recipe.seed)
        modules = list(_modules(recipe, specs, black))
        if recipe.initialization == "he":
            for module in modules:
                if isinstance(module, nn.Linear | nn.Conv2d) and module.bias is not None:
                    nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
                    nn.init.zeros_(module.bias)
    return nn.Sequential(*modules).to(memory_format=torch.channels_last)


def _modules(recipe: Recipe, specs: Sequence[LayerSpec], black: float) -> Iterator[nn.Module]:
    """Yield the modules of all layers. The first convolution pads with `black`, others with 0."""
    images = False  # whether the values between two modules are images, not vectors
    for spec in specs:
        if images != isinstance(spec, WindowedSpec):
            images = not images
            yield Images(spec.input_shape) if images else Vectors()
        if type(spec) not in LAYER_MODULES:
            detail = f"must be numpy: torch has no layers of the type {type_of(spec)}"
            raise InvalidInputError.at("/engine", detail)
        module = LAYER_MODULES[type(spec)](spec)
        if isinstance(spec, ConvolutionSpec) and isinstance(module, nn.Conv2d):
            if spec.padding and black:
                yield nn.ConstantPad2d(spec.padding, black)
                module.padding = (0, 0)
            black = 0.0
        yield module
        if spec is specs[-1] or not hasattr(spec, "activation"):
            continue
        if recipe.normalization == "batch":
            yield (nn.BatchNorm2d if images else nn.BatchNorm1d)(spec.output_shape[-1])
        yield ACTIVATION_MODULES[recipe.activation]()
        if recipe.dropout:  # of whole channels in images
            yield (nn.Dropout2d if images else nn.Dropout)(recipe.dropout)


def load(model: nn.Sequential, network: Network) -> None:
    """Set the parameters of a model without batch normalization to those of a network."""
    modules = [module for module in model if module.state_dict()]
    layers = [layer for layer in network.layers if layer.arrays]
    for module, layer in zip(modules, layers, strict=True):
        state = {name: torch.tensor(array) for name, array in layer.arrays.items()}
        if isinstance(module, nn.Conv2d):
            state["weight"] = state["weight"].permute(0, 3, 1, 2)
        module.load_state_dict(state)


def fold(
    model: nn.Sequential, specs: Sequence[LayerSpec], standardization: Standardization | None
) -> Network:
    """Make the plain network whose outputs equal those of a trained model.

    After training, batch normalization is the affine function γ (z − μ) / σ + β of each neuron or
    channel. The standardization of the inputs is affine too. Both are folded into layers.

    Parameters
    ----------
    model
        From `initial_model`.
    specs
        The layers of the network.
    standardization
        How the inputs were standardized; None if they were not.

    Returns
    -------
    Network
        A copy, in float32.
    """
    arrays: list[dict[str, Array]] = []
    for module in model:
        state = {
            name: tensor.numpy(force=True).astype(np.float64)
            for name, tensor in module.state_dict().items()
        }
        if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d):
            gamma, beta, mu, variance, _ = state.values()  # the last is the number of batches
            factor = gamma / np.sqrt(variance + module.eps)
            layer = arrays[-1]
            layer["weight"] = (layer["weight"].T * factor).T
            layer["bias"] = (layer["bias"] - mu) * factor + beta
        elif state:
            if isinstance(module, nn.Conv2d):
                state["weight"] = state["weight"].transpose(0, 2, 3, 1).copy()
            arrays.append(state)
    weighted = iter(arrays)
    network = Network([spec.layer(next(weighted) if spec.array_shapes else {}) for spec in specs])
    if standardization is not None:
        standardization.fold(network)
    return network.copy(np.float32)
