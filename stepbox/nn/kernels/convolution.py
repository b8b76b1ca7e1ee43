"""Convolutions, compiled: each live input is multiplied with all weights that it meets.

An input (y, x, c) is in the windows of the outputs (i, j, o), where it meets W[o, u, v, c] with
u = y + padding − stride · i and v = x + padding − stride · j. For one i, these outputs are
adjacent. So are their weights, in the same order, because each row of weights is for one c, u and
v, and v is in the order of `column_order`. So there is one long loop for each i, which the compiler
turns into vector instructions, whatever the number of channels. The last row holds the biases.

The functions take whole arrays and the index of the layer, as those of dense layers do.
"""

import numpy as np
from numpy.typing import NDArray

from stepbox.nn.activations import Array
from stepbox.nn.kernels.compiling import compiled
from stepbox.nn.kernels.dense import Indices

Geometry = NDArray[np.int64]
"""A row for each layer: height, width and channels of its inputs, kernel (or size of a pool),
stride, padding, and height, width and channels of its outputs. A dense layer is a convolution of
one pixel, whose channels are the neurons."""


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
def windows_with(place: int, windows: int, kernel: int, stride: int) -> tuple[int, int]:
    """Return the first window that a padded pixel is in, and the one after the last."""
    first = 0 if place < kernel else (place - kernel) // stride + 1
    return first, min(windows, place // stride + 1)


@compiled
def reach(
    layer: int, geometry: Geometry, live: Indices, k: int, count: int
) -> tuple[int, int, int, int, int, int, int, int]:
    """Find the outputs that the live channels of a pixel reach.

    Parameters
    ----------
    layer, geometry, live, count
        See `stepbox.nn.kernels.descend`.
    k
        Index in `live` of the first live channel of the pixel.

    Returns
    -------
    stop
        Index in `live` after its last live channel.
    channel_0
        Index of the first channel of the pixel, live or not, among the inputs.
    top, bottom
        The first row of outputs, and the one after the last.
    out, tap
        Index of the first output in row 0 and of its weight for channel 0 and the first row, among
        all outputs and weights.
    back
        How far the index of the weight falls from one row of outputs to the next.
    length
        Number of outputs in each row, with all channels; 0 if there are none.
    """
    width, channels = geometry[layer, 1], geometry[layer, 2]
    kernel, stride, padding = geometry[layer, 3], geometry[layer, 4], geometry[layer, 5]
    rows, columns, n_out = geometry[layer, 6], geometry[layer, 7], geometry[layer, 8]
    pixel = live[layer, k] // channels
    channel_0 = pixel * channels
    stop = k + 1
    while stop < count and live[layer, stop] < channel_0 + channels:
        stop += 1
    y, x = pixel // width + padding, pixel % width + padding
    top, bottom = windows_with(y, rows, kernel, stride)
    left, right = windows_with(x, columns, kernel, stride)
    length = max(0, right - left) * n_out
    tap = (y * kernel + place_of(x - stride * left, kernel, stride)) * n_out
    return stop, channel_0, top, bottom, left * n_out, tap, stride * kernel * n_out, length


# In the loops below, indices are unsigned. For a signed index, the compiler would check at each
# step whether it is negative, and use no vector instructions.


@compiled
def pass_forward(
    rows: Array,
    layer: int,
    geometry: Geometry,
    live: Indices,
    count: int,
    values: Array,
    deltas: Array,
) -> None:
    """Write z into the layer's row of `deltas`, which holds δ later.

    Four channels of a pixel are added at a time, so that z is read and written less often.
    """
    w = rows.reshape(-1)
    n_out, outputs_in_row = rows.shape[1], geometry[layer, 7] * rows.shape[1]
    size = geometry[layer, 3] ** 2 * n_out  # of the weights of a channel
    biases = np.uint64(len(w) - n_out)
    for first in range(0, geometry[layer, 6] * outputs_in_row, n_out):
        out = np.uint64(first)
        for j in range(np.uint64(n_out)):
            deltas[layer, out + j] = w[biases + j]
    k = 0
    while k < count:
        stop, channel_0, top, bottom, left, tap, back, length = reach(
            layer, geometry, live, k, count
        )
        last = stop - (stop - k) % 4
        for i in range(top, bottom if length else top):
            out, here = np.uint64(i * outputs_in_row + left), tap - i * back
            for m in range(k, last, 4):
                i0, i1, i2, i3 = (
                    live[layer, m],
                    live[layer, m + 1],
                    live[layer, m + 2],
                    live[layer, m + 3],
                )
                a0, a1, a2, a3 = (
                    values[layer, i0],
                    values[layer, i1],
                    values[layer, i2],
                    values[layer, i3],
                )
                w0 = np.uint64((i0 - channel_0) * size + here)
                w1 = np.uint64((i1 - channel_0) * size + here)
                w2 = np.uint64((i2 - channel_0) * size + here)
                w3 = np.uint64((i3 - channel_0) * size + here)
                for j in range(np.uint64(length)):
                    deltas[layer, out + j] += (
                        a0 * w[w0 + j] + a1 * w[w1 + j] + a2 * w[w2 + j] + a3 * w[w3 + j]
                    )
            for m in range(last, stop):
                i0 = live[layer, m]
                a0 = values[layer, i0]
                w0 = np.uint64((i0 - channel_0) * size + here)
                for j in range(np.uint64(length)):
                    deltas[layer, out + j] += a0 * w[w0 + j]
        k = stop


@compiled
def pass_back(
    rows: Array,
    layer: int,
    geometry: Geometry,
    live: Indices,
    count: int,
    slopes: Array,
    deltas: Array,
) -> None:
    """Set the previous layer's δ = ∂C/∂x ∘ f′(z)."""
    w = rows.reshape(-1)
    n_out, outputs_in_row = rows.shape[1], geometry[layer, 7] * rows.shape[1]
    size = geometry[layer, 3] ** 2 * n_out
    zero = 0 * slopes[layer, 0]
    for i in range(geometry[layer, 0] * geometry[layer, 1] * geometry[layer, 2]):
        deltas[layer - 1, i] = 0
    k = 0
    while k < count:
        stop, channel_0, top, bottom, left, tap, back, length = reach(
            layer, geometry, live, k, count
        )
        last = stop - (stop - k) % 4
        for i in range(top, bottom if length else top):
            out, here = np.uint64(i * outputs_in_row + left), tap - i * back
            for m in range(k, last, 4):
                i0, i1, i2, i3 = (
                    live[layer, m],
                    live[layer, m + 1],
                    live[layer, m + 2],
                    live[layer, m + 3],
                )
                w0 = np.uint64((i0 - channel_0) * size + here)
                w1 = np.uint64((i1 - channel_0) * size + here)
                w2 = np.uint64((i2 - channel_0) * size + here)
                w3 = np.uint64((i3 - channel_0) * size + here)
                passed0, passed1, passed2, passed3 = zero, zero, zero, zero
                for j in range(np.uint64(length)):
                    delta = deltas[layer, out + j]
                    passed0 += delta * w[w0 + j]
                    passed1 += delta * w[w1 + j]
                    passed2 += delta * w[w2 + j]
                    passed3 += delta * w[w3 + j]
                deltas[layer - 1, i0] += passed0 * slopes[layer, i0]
                deltas[layer - 1, i1] += passed1 * slopes[layer, i1]
                deltas[layer - 1, i2] += passed2 * slopes[layer, i2]
                deltas[layer - 1, i3] += passed3 * slopes[layer, i3]
            for m in range(last, stop):
                i0 = live[layer, m]
                w0 = np.uint64((i0 - channel_0) * size + here)
                passed0 = zero
                for j in range(np.uint64(length)):
                    passed0 += deltas[layer, out + j] * w[w0 + j]
                deltas[layer - 1, i0] += passed0 * slopes[layer, i0]
        k = stop


@compiled
def step_down(
    rows: Array,
    layer: int,
    geometry: Geometry,
    live: Indices,
    count: int,
    values: Array,
    deltas: Array,
    rate: float,
) -> None:
    """Add −rate · ∂C/∂W to the weights and −rate · ∂C/∂b to the biases."""
    w = rows.reshape(-1)
    n_out, outputs_in_row = rows.shape[1], geometry[layer, 7] * rows.shape[1]
    size = geometry[layer, 3] ** 2 * n_out
    k = 0
    while k < count:
        stop, channel_0, top, bottom, left, tap, back, length = reach(
            layer, geometry, live, k, count
        )
        for i in range(top, bottom if length else top):
            out, here = np.uint64(i * outputs_in_row + left), tap - i * back
            for m in range(k, stop):
                i0 = live[layer, m]
                step = -rate * values[layer, i0]
                w0 = np.uint64((i0 - channel_0) * size + here)
                for j in range(np.uint64(length)):
                    w[w0 + j] += step * deltas[layer, out + j]
        k = stop
    biases = np.uint64(len(w) - n_out)
    for first in range(0, geometry[layer, 6] * outputs_in_row, n_out):
        out = np.uint64(first)
        for j in range(np.uint64(n_out)):
            w[biases + j] -= rate * deltas[layer, out + j]


@compiled
def add_frame(
    rows: Array, layer: int, geometry: Geometry, fill: float, deltas: Array, rate: float
) -> None:
    """Do for the padding, if it is not 0, what the functions above do for the inputs.

    Add its products with the weights to z; or, if `rate` is not 0, take the step of these weights.
    """
    height, width, channels = geometry[layer, 0], geometry[layer, 1], geometry[layer, 2]
    kernel, stride, padding = geometry[layer, 3], geometry[layer, 4], geometry[layer, 5]
    columns, n_out = geometry[layer, 7], rows.shape[1]
    for i in range(geometry[layer, 6]):
        for j in range(columns):
            out = (i * columns + j) * n_out
            for u in range(kernel):
                y = stride * i + u - padding
                for v in range(kernel):
                    x = stride * j + v - padding
                    if 0 <= y < height and 0 <= x < width:
                        continue
                    place = u * kernel + place_of(v, kernel, stride)
                    for c in range(channels):
                        row = c * kernel * kernel + place
                        for o in range(n_out):
                            if rate == 0:
                                deltas[layer, out + o] += fill * rows[row, o]
                            else:
                                rows[row, o] -= rate * fill * deltas[layer, out + o]
