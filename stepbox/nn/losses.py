"""Softmax and cross-entropy, both numerically stable for all finite logits."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from stepbox.nn.activations import Array


def softmax(logits: Array) -> Array:
    """Turn logits into probabilities, p_i = exp(z_i) / Σ_j exp(z_j).

    Parameters
    ----------
    logits
        Shape (..., classes), finite, real or complex.

    Returns
    -------
    Array
        Same shape, 0..1; the sum over the last axis is 1. Adding a constant to all logits does not
        change the result.
    """
    probabilities: Array = np.exp(_shifted(logits))
    probabilities /= probabilities.sum(axis=-1, keepdims=True)
    return probabilities


def cross_entropy(logits: Array, labels: NDArray[np.integer[Any]]) -> Array:
    """Return −log p_label in nats: log Σ_j exp(z_j) − z_label.

    Parameters
    ----------
    logits
        Shape (n, classes), finite, real or complex.
    labels
        Shape (n,), the true classes, 0..classes−1.

    Returns
    -------
    Array
        Shape (n,), in nats, ≥ 0; infinite if the true value exceeds the float range.
    """
    shifted = _shifted(logits)
    losses: Array = np.log(np.exp(shifted).sum(axis=-1)) - shifted[np.arange(len(labels)), labels]
    return losses


def _shifted(logits: Array) -> Array:
    """Subtract the largest logit, so that no exponential overflows."""
    with np.errstate(over="ignore"):  # exp(−∞) = 0 is correct here
        shifted: Array = logits - logits.real.max(axis=-1, keepdims=True)
    return shifted
