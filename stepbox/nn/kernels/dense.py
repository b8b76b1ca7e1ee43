"""Dense layers, compiled. Only rows of live inputs are read and written.

The functions take whole arrays and the index of the layer. Otherwise, an eighth of the training
time would go into making views for each sample. `stepbox.nn.kernels.descend` describes the arrays.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from stepbox.nn.activations import Array
from stepbox.nn.kernels.compiling import compiled

Indices = NDArray[np.unsignedinteger[Any]]


@compiled
def pass_forward(
    rows: Array, layer: int, live: Indices, count: int, values: Array, deltas: Array
) -> None:
    """Write z_j = Σ_i W_ij a_i into the layer's row of `deltas`, which holds δ later.

    Four rows are added at a time, so that z is read and written less often.
    """
    width = rows.shape[1]
    for j in range(width):
        deltas[layer, j] = 0
    last = count - count % 4
    for k in range(0, last, 4):
        i0, i1, i2, i3 = live[layer, k], live[layer, k + 1], live[layer, k + 2], live[layer, k + 3]
        a0, a1, a2, a3 = values[layer, i0], values[layer, i1], values[layer, i2], values[layer, i3]
        for j in range(width):
            deltas[layer, j] += (
                a0 * rows[i0, j] + a1 * rows[i1, j] + a2 * rows[i2, j] + a3 * rows[i3, j]
            )
    for k in range(last, count):
        i = live[layer, k]
        a = values[layer, i]
        for j in range(width):
            deltas[layer, j] += a * rows[i, j]


@compiled
def pass_back(
    rows: Array, layer: int, live: Indices, count: int, slopes: Array, deltas: Array
) -> None:
    """Set the previous layer's δ_i = (Σ_j W_ij δ_j) f′(z_i). The row of biases is not used."""
    for i in range(rows.shape[0] - 1):
        deltas[layer - 1, i] = 0
    for k in range(count - 1):
        i = live[layer, k]
        passed = rows.dtype.type(0)  # not 0, with which the sum would be in float64
        for j in range(rows.shape[1]):
            passed += rows[i, j] * deltas[layer, j]
        deltas[layer - 1, i] = passed * slopes[layer, i]


@compiled
def step_down(
    rows: Array, layer: int, live: Indices, count: int, values: Array, deltas: Array, rate: float
) -> None:
    """Add −rate · a_i δ_j to the weights W_ij."""
    for k in range(count):
        i = live[layer, k]
        step = -rate * values[layer, i]
        for j in range(rows.shape[1]):
            rows[i, j] += step * deltas[layer, j]
