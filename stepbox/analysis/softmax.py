"""How the softmax's probabilities answer to its logits."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stepbox.errors import InvalidInputError
from stepbox.nn.losses import cross_entropy, softmax

COMPLEX_STEP = 1e-200  # its square vanishes, so the step makes no error of its own
BLOCK = 64  # logits stepped at once: 64 · 1,000 complex numbers are a megabyte


@dataclass(frozen=True)
class SoftmaxAnalysis:
    """The softmax at one point.

    Attributes
    ----------
    probabilities
        Shape (classes,).
    jacobian
        Shape (classes, classes).
    check
        Largest difference between an entry and its complex-step derivative.
    cross_entropy
        In nats; infinite where the target's probability is 0. None without a target.
    gradient
        Of the cross-entropy by the logits, shape (classes,). None without a target.
    """

    probabilities: NDArray[np.float64]
    jacobian: NDArray[np.float64]
    check: float
    cross_entropy: float | None = None
    gradient: NDArray[np.float64] | None = None


def softmax_jacobian(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    r"""Differentiate the softmax: :math:`\partial y_i / \partial z_j = y_i (\delta_{ij} - y_j)`.

    Parameters
    ----------
    logits
        Finite, shape (..., classes).

    Returns
    -------
    Shape (..., classes, classes). Entry [i, j] is the derivative of probability i by logit j.
    The matrix is symmetric, positive semi-definite (it is the covariance of a one-hot draw), and
    its rows and columns sum to 0.
    """
    y = softmax(logits)
    delta = np.eye(y.shape[-1])
    return y[..., :, None] * (delta - y[..., None, :])


def complex_step_jacobian(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    """Differentiate the softmax by running it at complex logits, without its derivative's formula.

    Parameters
    ----------
    logits
        Finite, shape (classes,).

    Returns
    -------
    Shape (classes, classes), as of `softmax_jacobian`.

    References
    ----------
    W. Squire, G. Trapp: Using complex variables to estimate derivatives of real functions, SIAM
    Review 40 (1998): f'(z) = Im f(z + ih) / h + O(h²), without a difference and so without
    cancellation.
    """
    steps = 1j * COMPLEX_STEP * np.eye(len(logits))
    columns = [
        softmax(logits + steps[start : start + BLOCK]).imag / COMPLEX_STEP
        for start in range(0, len(logits), BLOCK)
    ]
    return np.concatenate(columns).T


def analyse_softmax(logits: NDArray[np.float64], target: int | None = None) -> SoftmaxAnalysis:
    r"""Compute the probabilities, their Jacobian, and the gradient of the loss.

    Parameters
    ----------
    logits
        Finite, shape (classes,).
    target
        The true class, an index into the logits. With :math:`t` its one-hot vector, the
        cross-entropy :math:`-\log y_t` has the gradient :math:`y - t`.

    Raises
    ------
    InvalidInputError
        The target is none of the classes.
    """
    classes = len(logits)
    if target is not None and not 0 <= target < classes:
        raise InvalidInputError.at("/target", f"must be a class from 0 to {classes - 1}")
    probabilities = softmax(logits)
    jacobian = softmax_jacobian(logits)
    check = float(np.abs(jacobian - complex_step_jacobian(logits)).max())
    if target is None:
        return SoftmaxAnalysis(probabilities, jacobian, check)
    loss = float(cross_entropy(logits[None], np.array([target]))[0])
    one_hot = np.arange(classes) == target
    return SoftmaxAnalysis(probabilities, jacobian, check, loss, probabilities - one_hot)
