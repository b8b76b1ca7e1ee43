"""Convolutions, compiled: a dense layer at each window.

The weights of a layer are output-major: a row for each channel o of the outputs, W[o, u, v, c] in
the order of the window's inputs, and last the bias, whose input is 1. So the way back reads and
writes only the rows of outputs whose δ is not 0: before a pool of 2×2, at most a quarter.

`first_convolution` is for the first layer, whose windows are small and mostly 0.
"""

import numpy as np
from numpy.typing import NDArray

from stepbox.nn.activations import Array
from stepbox.nn.kernels.compiling import compiled
from stepbox.nn.kernels.dense import Indices
from stepbox.nn.kernels.sums import add_rows

COLUMNS_AT_ONCE = 16  # of the outputs: their windows are in memory at the same time

Geometry = NDArray[np.int64]
"""A row for each layer: height, width and channels of its inputs, kernel (or size of a pool),
stride, padding, and height, width and channels of its outputs. A dense layer is a convolution of
one pixel, whose channels are the neurons."""


@compiled
def window_row(layer: int, geometry: Geometry, y: int, j: int) -> tuple[int, int, int, int]:
    """Find which inputs of row y are in the windows of column j of the outputs (i, j).

    Returns
    -------
    first, stop
        Index of the first input, and of the one after the last; equal if there are none.
    before
        How many inputs of the window's row are before the first, in the padding.
    size
        How many inputs the window's row has in all.
    """
    height, width, channels = geometry[layer, 0], geometry[layer, 1], geometry[layer, 2]
    kernel, stride, padding = geometry[layer, 3], geometry[layer, 4], geometry[layer, 5]
    x = stride * j - padding
    left, right = max(0, -x), min(kernel, width - x)
    if y < 0 or y >= height or left >= right:
        return 0, 0, 0, kernel * channels
    at = (y * width + x) * channels
    return at + left * channels, at + right * channels, left * channels, kernel * channels


@compiled
def gather(
    layer: int, geometry: Geometry, i: int, j: int, fill: float, values: Array, window: Array
) -> None:
    """Copy the window of the outputs (i, j), and 1 as the input of the biases."""
    kernel, stride, padding = geometry[layer, 3], geometry[layer, 4], geometry[layer, 5]
    inputs = values[layer]
    for u in range(kernel):
        first, stop, before, size = window_row(layer, geometry, stride * i + u - padding, j)
        # Unsigned, as in `add_rows`.
        at, start = np.uint64(u * size + before), np.uint64(first)
        for k in range(u * size, u * size + before):
            window[k] = fill
        for k in range(np.uint64(stop - first)):
            window[at + k] = inputs[start + k]
        for k in range(u * size + before + stop - first, (u + 1) * size):
            window[k] = fill
    window[-1] = 1


@compiled
def pass_forward(
    rows: Array,
    layer: int,
    geometry: Geometry,
    fill: float,
    values: Array,
    deltas: Array,
    windows: Array,
) -> None:
    """Write z into the layer's row of `deltas`, which holds δ later."""
    columns, n_out = geometry[layer, 7], geometry[layer, 8]
    z = deltas[layer]
    for i in range(geometry[layer, 6]):
        for start in range(0, columns, COLUMNS_AT_ONCE):
            count = min(COLUMNS_AT_ONCE, columns - start)
            for j in range(count):
                gather(layer, geometry, i, start + j, fill, values, windows[j])
            multiply(rows, windows, count, z, (i * columns + start) * n_out)


@compiled
def multiply(rows: Array, windows: Array, count: int, z: Array, first: int) -> None:
    """Write the product of each of the first windows and each row into z, from z[first] on.

    Two windows are multiplied with four rows at a time, so that each is read less often.
    """
    n_out = rows.shape[0]
    length = np.uint64(rows.shape[1])
    zero = rows.dtype.type(0)  # not 0, with which sums would be in float64
    for o in range(0, n_out, 4):
        for j in range(0, count, 2):
            if o + 4 > n_out or j + 2 > count:
                for other in range(j, min(j + 2, count)):
                    for row in range(o, min(o + 4, n_out)):
                        total = zero
                        for k in range(length):
                            total += windows[other, k] * rows[row, k]
                        z[first + other * n_out + row] = total
                continue
            a0, a1 = windows[j], windows[j + 1]
            w0, w1, w2, w3 = rows[o], rows[o + 1], rows[o + 2], rows[o + 3]
            z00, z01, z02, z03 = zero, zero, zero, zero
            z10, z11, z12, z13 = zero, zero, zero, zero
            for k in range(length):
                z00 += a0[k] * w0[k]
                z01 += a0[k] * w1[k]
                z02 += a0[k] * w2[k]
                z03 += a0[k] * w3[k]
                z10 += a1[k] * w0[k]
                z11 += a1[k] * w1[k]
                z12 += a1[k] * w2[k]
                z13 += a1[k] * w3[k]
            out = first + j * n_out + o
            z[out], z[out + 1], z[out + 2], z[out + 3] = z00, z01, z02, z03
            out += n_out
            z[out], z[out + 1], z[out + 2], z[out + 3] = z10, z11, z12, z13


@compiled
def live_rows(
    outputs: Array, out: int, n_out: int, length: int, starts: Indices, factors: Array
) -> int:
    """List the rows of the outputs (i, j) whose δ is not 0, and these δ."""
    count = 0
    for o in range(n_out):
        starts[count], factors[count] = o * length, outputs[out + o]
        count += outputs[out + o] != 0
    return count


@compiled
def pass_back(
    rows: Array,
    layer: int,
    geometry: Geometry,
    slopes: Array,
    deltas: Array,
    window: Array,
    starts: Indices,
    factors: Array,
) -> None:
    """Set the previous layer's δ = ∂C/∂x ∘ f′(z)."""
    kernel, stride, padding = geometry[layer, 3], geometry[layer, 4], geometry[layer, 5]
    columns, n_out, length = geometry[layer, 7], geometry[layer, 8], rows.shape[1]
    weights, inputs, outputs = rows.reshape(-1), deltas[layer - 1], deltas[layer]
    n_in = np.uint64(geometry[layer, 0] * geometry[layer, 1] * geometry[layer, 2])
    for k in range(n_in):
        inputs[k] = 0
    for i in range(geometry[layer, 6]):
        for j in range(columns):
            out = (i * columns + j) * n_out
            count = live_rows(outputs, out, n_out, length, starts, factors)
            if count == 0:
                continue
            window[:] = 0
            add_rows(window, 0, length - 1, weights, starts, factors, count)
            for u in range(kernel):
                first, stop, before, size = window_row(layer, geometry, stride * i + u - padding, j)
                at, start = np.uint64(u * size + before), np.uint64(first)
                for k in range(np.uint64(stop - first)):
                    inputs[start + k] += window[at + k]
    for k in range(n_in):
        inputs[k] *= slopes[layer, k]


@compiled
def step_down(
    rows: Array,
    layer: int,
    geometry: Geometry,
    fill: float,
    values: Array,
    deltas: Array,
    rate: float,
    window: Array,
    starts: Indices,
    factors: Array,
) -> None:
    """Add −rate · ∂C/∂W to the weights and −rate · ∂C/∂b to the biases."""
    columns, n_out, length = geometry[layer, 7], geometry[layer, 8], rows.shape[1]
    weights, outputs = rows.reshape(-1), deltas[layer]
    for i in range(geometry[layer, 6]):
        for j in range(columns):
            out = (i * columns + j) * n_out
            count = live_rows(outputs, out, n_out, length, starts, factors)
            if count == 0:
                continue
            gather(layer, geometry, i, j, fill, values, window)
            for m in range(count):
                step, start = -rate * factors[m], starts[m]
                for k in range(np.uint64(length)):
                    weights[start + k] += step * window[k]
