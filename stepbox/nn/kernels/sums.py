"""Weighted sums of rows, compiled: what convolutions spend their time on."""

import numpy as np

from stepbox.nn.activations import Array
from stepbox.nn.kernels.compiling import compiled
from stepbox.nn.kernels.dense import Indices

AT_ONCE = 4  # rows that are added at a time, so that the sum is read and written less often


@compiled
def add_rows(
    total: Array,
    first: int,
    length: int,
    source: Array,
    starts: Indices,
    factors: Array,
    count: int,
) -> None:
    """Add Σ_k factors[k] · source[starts[k] + j] to total[first + j] for each j < length.

    `starts` and `factors` have room for AT_ONCE − 1 elements after the first `count`. `total` and
    `source` share no memory.
    """
    for k in range(count, count + AT_ONCE - 1):
        starts[k], factors[k] = 0, 0
    # Indices are unsigned. For a signed index, the compiler would check at each step whether it is
    # negative, and use no vector instructions.
    at = np.uint64(first)
    for k in range(0, count, AT_ONCE):
        s0, s1, s2, s3 = starts[k], starts[k + 1], starts[k + 2], starts[k + 3]
        f0, f1, f2, f3 = factors[k], factors[k + 1], factors[k + 2], factors[k + 3]
        for j in range(np.uint64(length)):
            total[at + j] += (
                f0 * source[s0 + j]
                + f1 * source[s1 + j]
                + f2 * source[s2 + j]
                + f3 * source[s3 + j]
            )
