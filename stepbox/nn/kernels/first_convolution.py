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
from stepbox.nn.kernels.dense import Indices
from stepbox.nn.kernels.sums import add_rows


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
) -> tuple[int, int, int, int, int]:
    """Copy a column of the padded image: first its pixels in channel 0, then in channel 1.

    Returns
    -------
    left
        Index of the first output that the column reaches in a row of outputs.
    length
        Number of outputs that it reaches in each row.
    place
        Where its weights are in a row of the kernel.
    top, bottom
        The first row of outputs whose windows have pixels of the column that are not 0, and the one
        after the last. If there are none, top ≥ bottom.
    """
    height, width, channels = geometry[layer, 0], geometry[layer, 1], geometry[layer, 2]
    kernel, stride, padding = geometry[layer, 3], geometry[layer, 4], geometry[layer, 5]
    n_out = geometry[layer, 8]
    left, right = windows_with(x, geometry[layer, 7], kernel, stride)
    lowest, highest = height + 2 * padding, -1
    at = 0
    for c in range(channels):
        for y in range(height + 2 * padding):
            inside = padding <= y < height + padding and padding <= x < width + padding
            pixel = fill
            if inside:
                pixel = values[layer, ((y - padding) * width + x - padding) * channels + c]
            column[at] = pixel
            at += 1
            if pixel != 0:
                lowest, highest = min(lowest, y), max(highest, y)
    top, _ = windows_with(lowest, geometry[layer, 6], kernel, stride)
    _, bottom = windows_with(highest, geometry[layer, 6], kernel, stride)
    if left >= right:
        bottom = top
    place = place_of(x - stride * left, kernel, stride)
    return left * n_out, (right - left) * n_out, place, top, bottom


@compiled
def windows_with(place: int, windows: int, kernel: int, stride: int) -> tuple[int, int]:
    """Return the first window that a padded pixel is in, and the one after the last."""
    first = 0 if place < kernel else (place - kernel) // stride + 1
    return first, min(windows, place // stride + 1) if place >= 0 else 0


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
    for j in range(row):
        z[j] = biases[j % n_out]
    for i in range(1, geometry[layer, 6]):
        start = np.uint64(i * row)
        for j in range(np.uint64(row)):
            z[start + j] = z[j]
    for x in range(width + 2 * padding):
        left, length, place, top, bottom = read_column(layer, geometry, fill, values, x, column)
        for i in range(top, bottom):
            count = 0
            for c in range(channels):
                first = c * (height + 2 * padding) + stride * i
                for u in range(kernel):
                    starts[count] = ((c * kernel + u) * kernel + place) * n_out
                    factors[count] = column[first + u]
                    count += column[first + u] != 0
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
        left, length, place, top, bottom = read_column(layer, geometry, fill, values, x, column)
        for c in range(channels):
            for u in range(kernel):
                count = 0
                first = c * (height + 2 * padding) + u
                for i in range(top, bottom):
                    pixel = column[first + stride * i]
                    starts[count], factors[count] = i * row + left, -rate * pixel
                    count += pixel != 0
                target = ((c * kernel + u) * kernel + place) * n_out
                add_rows(weights, target, length, delta, starts, factors, count)
    # The sum of the rows of δ replaces the first of them.
    for i in range(1, geometry[layer, 6]):
        start = np.uint64(i * row)
        for j in range(np.uint64(row)):
            delta[j] += delta[start + j]
    for j in range(row):
        biases[j % n_out] -= rate * delta[j]
