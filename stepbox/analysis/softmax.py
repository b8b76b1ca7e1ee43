"""The softmax and its derivatives, accurate in every digit, and computed in two independent ways.

`stepbox.nn.losses` computes the softmax for training and predictions, fast and for complex numbers.
There, 1 − y is 0 where y rounds to 1, and a small probability loses up to three digits, because
z − max is rounded. This module computes the same values for one vector without these losses.
"""

from decimal import Decimal
from math import fsum, isinf, log1p

import numpy as np
from pydantic import Field

from stepbox.analysis.result import Array, Matrix, Result, Vector
from stepbox.errors import InvalidInputError
from stepbox.nn.losses import softmax

COMPLEX_STEP = 1e-200  # its square underflows to 0, so the step adds no error
BLOCK = 64  # derivatives per block: 64 rows of 1,000 complex numbers take 1 MB
# The exponentials are scaled by exp(400), so that the smallest that counts, exp(−800), and the sum
# of the largest are all normal numbers. No output has a bit of an exponential below exp(−800).
SCALE = 400.0
LEAST = -800.0


class SoftmaxJacobianAnswer(Result):
    """The softmax at the given logits, and its derivatives there.

    All numbers but `check` have a relative error of at most 1e-14. Numbers below 2.2e-308, the
    smallest normal float64, are also rounded to a multiple of 5e-324, the smallest float64.
    """

    probabilities: Vector = Field(
        description="y = softmax(z), shape (classes,). The probabilities sum to 1."
    )
    jacobian: Matrix = Field(
        description="Shape (classes, classes). Entry [i][j] is ∂yᵢ/∂zⱼ = yᵢ (δᵢⱼ − yⱼ). The matrix "
        "is symmetric. Each row and each column sums to 0. Like all numbers here but `check`, an "
        "entry has a relative error of at most 1e-14, plus 5e-324 below the smallest normal "
        "float64, 2.2e-308. So yᵢ (1 − yᵢ) is right even where yᵢ rounds to 1."
    )
    check: float = Field(
        description="Largest difference between an entry [i][j] of the Jacobian and the complex-"
        "step derivative Im yᵢ / h, with ih added to logit j and h = 1e-200. It is computed for "
        "each request, and is the rounding error of float64, about 1e-16."
    )
    cross_entropy: float | None = Field(
        description="−log y of the target, in nats. Null without a target, and where it exceeds "
        "the float range; `note` then says why."
    )
    gradient: Vector | None = Field(
        description="Gradient of the cross-entropy with respect to the logits, shape (classes,): "
        "y − t, where t is the one-hot target. Null without a target."
    )
    note: str | None = Field(description="Why a field is null. Null if no other field is null.")


def softmax_jacobian(logits: Array) -> Array:
    r"""Differentiate the softmax: :math:`\partial y_i / \partial z_j = y_i (\delta_{ij} - y_j)`.

    Parameters
    ----------
    logits
        Finite, shape (classes,), dimensionless.

    Returns
    -------
    Shape (classes, classes). Entry [i, j] is the derivative of probability i with respect to logit
    j, with a relative error of at most 1e-14. The matrix is symmetric, and its rows and columns sum
    to 0. It is the covariance matrix of a one-hot vector with these probabilities, and so positive
    semi-definite.
    """
    probabilities, complements, _ = _accurate_softmax(logits)
    return _jacobian(probabilities, complements)


def complex_step_jacobian(logits: Array) -> Array:
    """Differentiate the softmax by complex steps, without the formula of its derivative.

    Parameters
    ----------
    logits
        Finite, shape (classes,).

    Returns
    -------
    Shape (classes, classes), as from `softmax_jacobian`.

    References
    ----------
    W. Squire, G. Trapp: Using complex variables to estimate derivatives of real functions, SIAM
    Review 40 (1998): f'(z) = Im f(z + ih) / h + O(h²). Nothing is subtracted, so no digits
    cancel.
    """
    steps = 1j * COMPLEX_STEP * np.eye(len(logits))
    columns = [
        softmax(logits + steps[start : start + BLOCK]).imag / COMPLEX_STEP
        for start in range(0, len(logits), BLOCK)
    ]
    return np.concatenate(columns).T


def analyse_softmax(logits: Array, target: int | None = None) -> SoftmaxJacobianAnswer:
    r"""Compute the probabilities, their Jacobian, and the gradient of the loss.

    Parameters
    ----------
    logits
        Finite, shape (classes,).
    target
        Index of the true class. If :math:`t` is its one-hot vector, the cross-entropy
        :math:`-\log y_t` has the gradient :math:`y - t`.

    Raises
    ------
    InvalidInputError
        The target is not one of the classes.
    """
    classes = len(logits)
    if target is not None and not 0 <= target < classes:
        raise InvalidInputError.at("/target", f"must be a class from 0 to {classes - 1}")
    probabilities, complements, log_total = _accurate_softmax(logits)
    jacobian = _jacobian(probabilities, complements)
    check = float(np.abs(jacobian - complex_step_jacobian(logits)).max())
    loss = gradient = note = None
    if target is None:
        note = "Without a target, there is no cross-entropy and no gradient."
    else:
        largest, own = float(logits.max()), float(logits[target])
        loss = largest - own + log_total  # both terms are ≥ 0, so no digits cancel
        gradient = probabilities.copy()
        gradient[target] = 0 - complements[target]
        if isinf(loss):
            nats = f"{Decimal(largest) - Decimal(own):.3e}"
            note = f"The cross-entropy, {nats} nats, exceeds the largest float64, 1.798e+308."
    return SoftmaxJacobianAnswer(
        probabilities=probabilities,
        jacobian=jacobian,
        check=check,
        cross_entropy=loss,
        gradient=gradient,
        note=note,
    )


def _accurate_softmax(logits: Array) -> tuple[Array, Array, float]:
    """Compute y, 1 − y, and log Σ_j exp(z_j − max z), each without cancellation.

    1 − y is the sum of the other probabilities. For the largest, they are added up. For each of the
    others, y is at most 1/2, so that total − exp(z) loses at most one bit.
    """
    exponentials = _scaled_exponentials(logits)
    top = int(exponentials.argmax())
    others = exponentials.tolist()
    largest = others.pop(top)
    rest = fsum(others)
    total = largest + rest
    complements = (total - exponentials) / total
    complements[top] = rest / total
    return exponentials / total, complements, log1p(rest / largest)


def _scaled_exponentials(logits: Array) -> Array:
    """Compute exp(z − max z + SCALE), or 0 where z − max z ≤ LEAST.

    The rounding error of an exponent d is up to |d| · 1e-16, which would be the relative error of
    its exponential. So the exponent is a sum of two numbers: exp(high + low) ≈ exp(high)(1 + low).
    """
    with np.errstate(over="ignore"):  # −∞ is correct here
        near = logits - logits.max() > LEAST
    shifted, low = _two_sum(logits[near], -logits.max())
    high, more = _two_sum(shifted, np.float64(SCALE))
    factors = np.exp(high)
    exponentials = np.zeros(len(logits))
    exponentials[near] = factors + factors * (low + more)
    return exponentials


def _two_sum(a: Array, b: np.float64) -> tuple[Array, Array]:
    """Add two numbers exactly: a + b = sum + error.

    References
    ----------
    D. Knuth: The Art of Computer Programming, volume 2, theorem 4.2.2B.
    """
    total = a + b
    part = total - a
    return total, (a - (total - part)) + (b - part)


def _jacobian(probabilities: Array, complements: Array) -> Array:
    jacobian = np.outer(probabilities, probabilities)
    np.subtract(0, jacobian, out=jacobian)  # and not −jacobian, which has entries −0
    np.fill_diagonal(jacobian, probabilities * complements)
    return jacobian
