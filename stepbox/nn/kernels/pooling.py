"""Max-pooling, compiled: it keeps where each maximum is, so the way back is short."""

import numpy as np

from stepbox.nn.activations import Array
from stepbox.nn.kernels.compiling import compiled
from stepbox.nn.kernels.convolution import Geometry
from stepbox.nn.kernels.dense import Indices


@compiled
def pass_forward(
    layer: int, geometry: Geometry, values: Array, slopes: Array, winners: Indices
) -> None:
    """Write the maxima, and the slopes where they are, as the values and slopes of the next layer.

    So the next layer's way back multiplies by f′ of the layer before the pool: a maximum whose
    slope is 0 passes nothing back. A dense layer does not read its weights on the way back.
    """
    width, channels = geometry[layer, 1], geometry[layer, 2]
    size, stride = geometry[layer, 3], geometry[layer, 4]
    rows, columns = geometry[layer, 6], geometry[layer, 7]
    for i in range(rows):
        for j in range(columns):
            # Unsigned, as in `convolution`.
            out = np.uint64((i * columns + j) * channels)
            first = (i * width + j) * stride * channels
            for cell in range(size * size):
                at = np.uint64(first + (cell // size * width + cell % size) * channels)
                for c in range(np.uint64(channels)):
                    value, best = values[layer, at + c], values[layer + 1, out + c]
                    wins = cell == 0 or value > best
                    values[layer + 1, out + c] = value if wins else best
                    winners[layer, out + c] = at + c if wins else winners[layer, out + c]
    for k in range(rows * columns * channels):
        slopes[layer + 1, k] = slopes[layer, winners[layer, k]]


@compiled
def pass_back(layer: int, geometry: Geometry, winners: Indices, deltas: Array) -> None:
    """Add the δ of each maximum to that of the input that it came from."""
    for i in range(geometry[layer, 0] * geometry[layer, 1] * geometry[layer, 2]):
        deltas[layer - 1, i] = 0
    for k in range(geometry[layer, 6] * geometry[layer, 7] * geometry[layer, 8]):
        deltas[layer - 1, winners[layer, k]] += deltas[layer, k]
