"""The way from a network to the arrays that `descend` trains, and back."""

import copy
from math import prod
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from stepbox.nn.activations import IDENTITY, Array
from stepbox.nn.convolution import Convolution
from stepbox.nn.dense import Dense
from stepbox.nn.kernels.activations import CODES, RELU
from stepbox.nn.kernels.descend import CONVOLUTION, DENSE, FIRST_CONVOLUTION, MAX_POOL, descend
from stepbox.nn.kernels.first_convolution import column_order
from stepbox.nn.layer import Layer
from stepbox.nn.network import Network
from stepbox.nn.pooling import MaxPool

TYPES: dict[type[Layer], int] = {Dense: DENSE, Convolution: CONVOLUTION, MaxPool: MAX_POOL}


def types_of(network: Network) -> NDArray[np.int64]:
    """Return the type of each layer, as `descend` takes it."""
    types = np.array([TYPES[type(layer)] for layer in network.layers])
    if types[0] == CONVOLUTION:
        types[0] = FIRST_CONVOLUTION
    return types


class Chain:
    """A network in the form that `descend` trains.

    Attributes
    ----------
    parameters
        All weights and biases, which `descend` changes in place.
    order
        Name of the order of the parameters, under which a checkpoint saves them.
    """

    def __init__(self, network: Network, activation: int) -> None:
        self._layers = network.layers
        self._activation = activation
        self._types = types_of(network)
        self._geometry = np.array([geometry_of(layer) for layer in network.layers])
        blocks = [rows_of(*pair) for pair in zip(network.layers, self._types, strict=True)]
        self._shapes = [block.shape for block in blocks]
        self.parameters = np.concatenate([block.ravel() for block in blocks], dtype=network.dtype)
        self.order = "parameters" if all(self._types == DENSE) else "parameters by window"
        fills = [getattr(layer, "fill", 0.0) for layer in network.layers]
        self._fills = np.array(fills, self.parameters.dtype)

    @classmethod
    def of(cls, network: Network) -> Self | None:
        """Copy a network into this form; return None if `descend` cannot train it.

        `descend` trains dense layers, convolutions and pools. All but the pools and the last layer
        must have the same activation function, one of `CODES`. The last layer has none.
        """
        *hidden, last = network.layers
        names = {layer.activation.name for layer in hidden if type(layer) is not MaxPool}
        if (
            not all(type(layer) in TYPES for layer in network.layers)
            or type(last) is MaxPool
            or last.activation.name != IDENTITY.name
            or len(names) > 1
        ):
            return None
        activation = CODES.get(names.pop()) if names else RELU  # without any, each code works
        return None if activation is None else cls(network, activation)

    def network(self) -> Network:
        """Return a copy of the network in its current state."""
        return self.view().copy()

    def view(self) -> Network:
        """Return the network in its current state. It shares the memory of `parameters`."""
        layers, start = [], 0
        for layer, kind, shape in zip(self._layers, self._types, self._shapes, strict=True):
            stop = start + prod(shape)
            layers.append(with_rows(layer, kind, self.parameters[start:stop].reshape(shape)))
            start = stop
        return Network(layers)

    def descend(
        self,
        published: bool,
        samples: NDArray[Any],
        greys: Array | None,
        labels: NDArray[Any],
        class_weights: Array,
        batch_size: int,
        rates: Array,
    ) -> tuple[Array, NDArray[np.bool_]]:
        """Train on samples; return their losses, and which of them were classified wrongly.

        `stepbox.nn.kernels.descend` describes both, and the parameters.
        """
        losses, wrong = np.empty(len(labels)), np.empty(len(labels), np.bool_)
        descend(
            self.parameters,
            self._types,
            self._geometry,
            self._fills,
            self._activation,
            published,
            samples,
            greys,
            labels,
            class_weights,
            batch_size,
            rates,
            losses,
            wrong,
        )
        return losses, wrong


def geometry_of(layer: Layer) -> tuple[int, ...]:
    """Return a layer's row of `Geometry`."""
    if isinstance(layer, Dense):
        n_out, n_in = layer.weights.shape
        return 1, 1, n_in, 1, 1, 0, 1, 1, n_out
    if isinstance(layer, Convolution):
        window = (layer.weights.shape[1], layer.stride, layer.padding)
    else:
        assert isinstance(layer, MaxPool)
        window = (layer.size, layer.stride, 0)
    return *layer.input_shape, *window, *layer.output_shape


def rows_of(layer: Layer, kind: int) -> Array:
    """Copy a layer's weights and biases into the rows that its type has in `descend`."""
    if isinstance(layer, Dense):
        return np.vstack([layer.weights.T, layer.biases])
    if not isinstance(layer, Convolution):
        return np.empty((0, layer.output_shape[-1]))
    n_out, kernel, _, _ = layer.weights.shape
    if kind == CONVOLUTION:
        return np.column_stack([layer.weights.reshape(n_out, -1), layer.biases])
    weights = layer.weights[:, :, column_order(kernel, layer.stride)]
    return np.vstack([weights.transpose(3, 1, 2, 0).reshape(-1, n_out), layer.biases])


def with_rows(layer: Layer, kind: int, rows: Array) -> Layer:
    """Return a copy of a layer with the weights and biases in the rows; undo `rows_of`."""
    layer = copy.copy(layer)
    if isinstance(layer, Dense):
        layer.weights, layer.biases = rows[:-1].T, rows[-1]
    elif isinstance(layer, Convolution) and kind == CONVOLUTION:
        layer.weights, layer.biases = rows[:, :-1].reshape(layer.weights.shape), rows[:, -1]
    elif isinstance(layer, Convolution):
        n_out, kernel, _, n_in = layer.weights.shape
        weights = rows[:-1].reshape(n_in, kernel, kernel, n_out).transpose(3, 1, 2, 0)
        places = np.argsort(column_order(kernel, layer.stride))
        layer.weights, layer.biases = weights[:, :, places], rows[-1]
    return layer
