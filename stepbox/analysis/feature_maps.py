"""What each layer of a network makes of a sample, in the shape of the layer's output."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from stepbox.nn.activations import Array
from stepbox.nn.network import Network
from stepbox.nn.pooling import MaxPool


class LayerOutput(NamedTuple):
    """The output of a layer for n samples.

    Attributes
    ----------
    values
        After the activation function, shape (n, *output_shape): for each sample, the feature maps
        (height, width, channels) of a convolution or a pooling layer, or one number for each
        neuron of a dense layer. Those of the last layer are the logits.
    winners
        For a max-pooling layer, where in the layer's input the maxima are: their rows and columns,
        shape (n, height, width, channels, 2). None for all other layers.
    """

    values: Array
    winners: NDArray[np.intp] | None


def layer_outputs(network: Network, inputs: Array) -> Iterator[LayerOutput]:
    """Run a network, and yield the output of each layer.

    Parameters
    ----------
    network
        The network.
    inputs
        Shape (n, inputs).
    """
    for layer in network.layers:
        winners = positions_of_maxima(layer, inputs) if isinstance(layer, MaxPool) else None
        inputs = layer.activation.function(layer.forward(inputs))
        yield LayerOutput(inputs.reshape(-1, *layer.output_shape), winners)


def positions_of_maxima(pool: MaxPool, inputs: Array) -> NDArray[np.intp]:
    """Find the row and the column of each window's maximum in the input of a max-pooling layer.

    Parameters
    ----------
    pool
        The layer.
    inputs
        Shape (n, inputs).

    Returns
    -------
    NDArray
        Shape (n, height, width, channels, 2), where the first three are those of the output.
    """
    height, width, _ = pool.output_shape
    rows, columns = np.divmod(pool.winners(inputs), pool.size)  # within each window
    rows += pool.stride * np.arange(height)[:, None, None]
    columns += pool.stride * np.arange(width)[:, None]
    return np.stack([rows, columns], axis=-1)
