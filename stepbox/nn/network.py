"""A network: a sequence of layers, from the inputs to logits and probabilities."""

import copy
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any, Self

import numpy as np
from numpy.typing import DTypeLike

from stepbox.nn.activations import IDENTITY, Activation, ActivationName, Array
from stepbox.nn.convolution import ConvolutionSpec
from stepbox.nn.dense import Dense, DenseSpec
from stepbox.nn.layer import Initialization, Layer, LayerSpec, Shape
from stepbox.nn.losses import softmax
from stepbox.nn.pooling import MaxPoolSpec

LAYERS: dict[str, type[LayerSpec]] = {
    "dense": DenseSpec,
    "convolution": ConvolutionSpec,
    "max-pool": MaxPoolSpec,
}
"""The types of layers, by their name in `layer_specs`."""

MOST_IN_BLOCK = 1000  # samples: enough for fast matrix products of dense layers
MOST_OUTPUTS_IN_BLOCK = 2**19  # of all layers: 2 MiB in float32, which stay in the cache


class ImpossibleLayerError(ValueError):
    """A layer does not fit the output of the layer before it.

    Attributes
    ----------
    layer
        Index of the layer.
    before
        The specifications of the layers before it.
    """

    def __init__(self, before: tuple[LayerSpec, ...], detail: str) -> None:
        super().__init__(detail)
        self.layer = len(before)
        self.before = before


@dataclass
class Network:
    """A sequence of layers. The outputs of each are the inputs of the next.

    Attributes
    ----------
    layers
        In order from the inputs. The outputs of the last layer are the logits. All parameters
        have the same dtype, which may be complex.
    """

    layers: list[Layer]

    @classmethod
    def initial(
        cls,
        specs: Iterable[LayerSpec],
        seed: int,
        initialization: Initialization = "default",
        dtype: DTypeLike = np.float64,
    ) -> Self:
        """Make an untrained network with random weights, as the NumPy engine does.

        Parameters
        ----------
        specs
            One for each layer, such as `Recipe.layer_specs`.
        seed
            Seed of the generator that draws all layers, in order.
        initialization
            ``default`` or ``he``.
        dtype
            Float type of the parameters.
        """
        rng = np.random.default_rng(seed)
        return cls([spec.initial(rng, initialization, dtype) for spec in specs])

    @classmethod
    def dense(
        cls, weights: Sequence[Array], biases: Sequence[Array], activation: Activation
    ) -> Self:
        """Make a network of dense layers. All but the last have the activation function."""
        layers = [Dense(*arrays, activation) for arrays in zip(weights, biases, strict=True)]
        layers[-1].activation = IDENTITY
        return cls([*layers])

    @classmethod
    def from_named_arrays(cls, specs: Iterable[LayerSpec], arrays: Mapping[str, Array]) -> Self:
        """Make a network from arrays named as in `named_arrays`, without copying them."""
        return cls(
            [
                spec.layer({name: arrays[f"{number}.{name}"] for name in spec.array_shapes})
                for number, spec in enumerate(specs)
            ]
        )

    def named_arrays(self) -> dict[str, Array]:
        """Return the parameter arrays by name: ``0.weight``, ``0.bias``, ``1.weight``….

        The number is the index of the layer. The arrays are not copies.
        """
        return {
            f"{number}.{name}": array
            for number, layer in enumerate(self.layers)
            for name, array in layer.arrays.items()
        }

    def copy(self, dtype: DTypeLike | None = None) -> Self:
        """Return a copy that shares no array with this network, in `dtype` if it is given."""
        return type(self)([layer.copy(dtype) for layer in self.layers])

    def without(self, neurons: Iterable[tuple[int, int]]) -> Self:
        """Return this network with some hidden neurons switched off: their activation is 0.

        The parameter arrays are not copied.

        Parameters
        ----------
        neurons
            Index of the hidden layer, and of the neuron in this layer; both from 0. In a
            convolution or a pooling layer, it is a channel: a whole feature map is switched off.
        """
        off: dict[int, list[int]] = defaultdict(list)
        for index, neuron in neurons:
            off[index].append(neuron)
        layers = list(self.layers)
        for index, indices in off.items():
            layers[index] = copy.copy(layers[index])
            neurons_or_channels = layers[index].output_shape[-1]
            layers[index].activation = layers[index].activation.without(
                indices, neurons_or_channels
            )
        return type(self)(layers)

    @property
    def parameters(self) -> int:
        """Number of parameters."""
        return sum(array.size for array in self.named_arrays().values())

    @property
    def products(self) -> int:
        """Number of multiplications for one sample."""
        return sum(
            array.size * prod(layer.output_shape[:-1])
            for layer in self.layers
            for array in layer.arrays.values()
        )

    @property
    def outputs(self) -> int:
        """Number of outputs of all layers for one sample."""
        return sum(prod(layer.output_shape) for layer in self.layers)

    def blocks(self, samples: int) -> Iterator[slice]:
        """Cut samples into blocks to run one after another, so that they take little memory."""
        size = max(1, min(MOST_IN_BLOCK, MOST_OUTPUTS_IN_BLOCK // self.outputs))
        for start in range(0, samples, size):
            yield slice(start, start + size)

    @property
    def dtype(self) -> np.dtype[Any]:
        """Dtype of the parameters."""
        layers = self.layers
        return next(array.dtype for layer in layers for array in layer.arrays.values())

    def forward(self, inputs: Array) -> tuple[list[Array], list[Array]]:
        """Run the network, and return what a backward pass needs.

        Parameters
        ----------
        inputs
            Shape (inputs,) for one sample, or (n, inputs).

        Returns
        -------
        pre_activations
            For each layer, its z; the last are the logits.
        activations
            For each layer, its inputs; the first are `inputs`.
        """
        pre_activations: list[Array] = []
        activations: list[Array] = []
        for layer in self.layers:
            activations.append(inputs)
            pre_activations.append(layer.forward(inputs))
            inputs = layer.activation.function(pre_activations[-1])
        return pre_activations, activations

    def logits(self, inputs: Array) -> Array:
        """Return the logits, shape (n, classes), for inputs of shape (n, inputs)."""
        for layer in self.layers:
            inputs = layer.activation.function(layer.forward(inputs))
        return inputs

    def probabilities(self, inputs: Array) -> Array:
        """Return the softmax distribution, shape (n, classes), for inputs of shape (n, inputs)."""
        return softmax(self.logits(inputs))


def layer_specs(input_shape: Shape, layers: Iterable[Mapping[str, Any]]) -> tuple[LayerSpec, ...]:
    """Make the specifications of layers. The output shape of each is the input shape of the next.

    Parameters
    ----------
    input_shape
        Shape of one sample.
    layers
        For each layer, its ``type`` (a key of `LAYERS`) and its options.

    Raises
    ------
    ImpossibleLayerError
        A layer does not fit the output of the layer before it.
    """
    specs: list[LayerSpec] = []
    for layer in layers:
        options = dict(layer)
        try:
            specs.append(LAYERS[options.pop("type")](input_shape, **options))
        except ValueError as error:
            raise ImpossibleLayerError(tuple(specs), str(error)) from error
        input_shape = specs[-1].output_shape
    return tuple(specs)


def dense_layers(sizes: Sequence[int], activation: ActivationName) -> tuple[LayerSpec, ...]:
    """Make the specifications of dense layers. All but the last have the activation function.

    Parameters
    ----------
    sizes
        Number of neurons of each layer, from the inputs to the classes.
    activation
        Name of the activation function.
    """
    hidden = [{"type": "dense", "neurons": size, "activation": activation} for size in sizes[1:-1]]
    return layer_specs((sizes[0],), [*hidden, {"type": "dense", "neurons": sizes[-1]}])


def type_of(spec: LayerSpec) -> str:
    """Return the type of a layer, as `layer_specs` takes it."""
    return next(name for name, kind in LAYERS.items() if type(spec) is kind)


def array_shapes(specs: Iterable[LayerSpec]) -> dict[str, Shape]:
    """Return the shape of each array of a network, named as in `Network.named_arrays`."""
    return {
        f"{number}.{name}": shape
        for number, spec in enumerate(specs)
        for name, shape in spec.array_shapes.items()
    }
