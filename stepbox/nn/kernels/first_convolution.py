"""A convolution of an image, compiled: as the first layer, whose inputs are few and often 0.

A column x of the padded image is in the windows of the outputs (i, j, o) with
v = x − stride · j. For one i, these outputs are adjacent. So are the weights W[o, u, v, c] that
the column's pixel (stride · i + u, x, c) meets there, in the same order, because each row of
weights is for one c, u and v, and v is in the order of `column_order`. So one long row of weights
is added for each pixel that is not 0, whatever the number of channels.

The functions take whole arrays and the index of the layer, as those of dense layers do.
"""

import numpy as np
from numpy.typing import NDArray

from stepbox.nn.activations import Array
from stepbox.nn.kernels.compiling import compiled
from stepbox.nn.kernels.convolution import Geometry
from stepbox.nn.kernels.sums import Indices, add_rows


def column_order(kernel: int, stride: int) -> NDArray[np.int64]:
    """Return the columns v of a kernel in the order in which an input meets them as j grows.

    v then falls in steps of the stride. So columns of the same v mod stride are together.
    """
    columns = np.arange(kernel)
    return np.lexsort((-columns, columns % stride))


@compiled
def place_of(column: int, kernel: int, stride: int) -> int:
    """Return the place of a column in `column_order`."""
    whole, rest = kernel // stride, kernel % stride
    group = column % stride
    return (group + 1) * whole + min(group + 1, rest) - 1 - column // stride


@compiled
def read_column(
    layer: int, geometry: Geometry, fill: float, values: Array, x: int, column: Array
) -> tuple[int, int, int]:
    """Copy a column of the padded image: first its pixels in channel 0, then in channel 1.

    Returns
    -------
    left
        Index of the first output that the column reaches in a row of outputs.
    place
        Where its weights are in a row of the kernel.
    length
        Number of outputs that it reaches in each row; 0 if there are none or all pixels are 0.
    """
    height, width, channels = geometry[layer, 0], geometry[layer, 1], geometry[layer, 2]
    kernel, stride, padding = geometry[layer, 3], geometry[layer, 4], geometry[layer, 5]
    first = 0 if x < kernel else (x - kernel) // stride + 1
    stop = min(geometry[layer, 7], x // stride + 1)
    n_out = geometry[layer, 8]
    if first >= stop:
        return 0, 0, 0
    at = 0
    lit = False
    for c in range(channels):
        for y in range(-padding, height + padding):
            inside = 0 <= y < height and padding <= x < width + padding
            pixel = values[layer, (y * width + x - padding) * channels + c] if inside else fill
            column[at] = pixel
            lit |= pixel != 0
            at += 1
    place = place_of(x - stride * first, kernel, stride)
    return first * n_out, place, (stop - first) * n_out if lit else 0


@compiled
def pass_forward(
    rows: Array,
    layer: int,
    geometry: Geometry,
    fill: float,
    values: Array,
    deltas: Array,
    column: Array,
    starts: Indices,
    factors: Array,
) -> None:
    """Write z into the layer's row of `deltas`, which holds δ later."""
    height, width, channels = geometry[layer, 0], geometry[layer, 1], geometry[layer, 2]
    kernel, stride, padding = geometry[layer, 3], geometry[layer, 4], geometry[layer, 5]
    n_out = geometry[layer, 8]
    weights, z, biases = rows.reshape(-1), deltas[layer], rows[-1]
    row = geometry[layer, 7] * n_out
    for out in range(0, geometry[layer, 6] * row, n_out):
        for o in range(n_out):
            z[out + o] = biases[o]
    for x in range(width + 2 * padding):
        left, place, length = read_column(layer, geometry, fill, values, x, column)
        for i in range(geometry[layer, 6] if length else 0):
            count = 0
            for c in range(channels):
                top = c * (height + 2 * padding) + stride * i
                for u in range(kernel):
                    starts[count] = ((c * kernel + u) * kernel + place) * n_out
                    factors[count] = column[top + u]
                    count += column[top + u] != 0
            add_rows(z, i * row + left, length, weights, starts, factors, count)


@compiled
def step_down(
    rows: Array,
    layer: int,
    geometry: Geometry,
    fill: float,
    values: Array,
    deltas: Array,
    rate: float,
    column: Array,
    starts: Indices,
    factors: Array,
) -> None:
    """Add −rate · ∂C/∂W to the weights and −rate · ∂C/∂b to the biases."""
    height, width, channels = geometry[layer, 0], geometry[layer, 1], geometry[layer, 2]
    kernel, stride, padding = geometry[layer, 3], geometry[layer, 4], geometry[layer, 5]
    n_out = geometry[layer, 8]
    weights, delta, biases = rows.reshape(-1), deltas[layer], rows[-1]
    row = geometry[layer, 7] * n_out
    for x in range(width + 2 * padding):
        left, place, length = read_column(layer, geometry, fill, values, x, column)
        for c in range(channels if length else 0):
            for u in range(kernel):
                count = 0
                top = c * (height + 2 * padding) + u
                for i in range(geometry[layer, 6]):
                    pixel = column[top + stride * i]
                    starts[count] = i * row + left
                    factors[count] = -rate * pixel
                    count += pixel != 0
                first = ((c * kernel + u) * kernel + place) * n_out
                add_rows(weights, first, length, delta, starts, factors, count)
    for out in range(0, geometry[layer, 6] * row, n_out):
        for o in range(n_out):
            biases[o] -= rate * delta[out + o]
