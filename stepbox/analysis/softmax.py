"""The derivatives of the softmax, computed in two independent ways."""

import numpy as np
from pydantic import Field

from stepbox.analysis.result import Array, Matrix, Result, Vector
from stepbox.errors import InvalidInputError
from stepbox.nn.losses import cross_entropy, softmax

COMPLEX_STEP = 1e-200  # its square underflows to 0, so the step adds no error
BLOCK = 64  # derivatives per block: 64 rows of 1,000 complex numbers take 1 MB


class SoftmaxJacobianAnswer(Result):
    """The softmax at the given logits, and its derivatives there."""

    probabilities: Vector = Field(
        description="y = softmax(z), shape (classes,). The probabilities sum to 1."
    )
    jacobian: Matrix = Field(
        description="Shape (classes, classes). Entry [i][j] is ∂yᵢ/∂zⱼ = yᵢ (δᵢⱼ − yⱼ). The matrix "
        "is symmetric. Each row and each column sums to 0."
    )
    check: float = Field(
        description="Largest difference between an entry [i][j] of the Jacobian and the complex-"
        "step derivative Im yᵢ / h, with ih added to logit j and h = 1e-200. It is computed for "
        "each request, and is the rounding error of float64, about 1e-16."
    )
    cross_entropy: float | None = Field(
        description="−log y of the target, in nats. Null without a target, and where it exceeds "
        "the float range."
    )
    gradient: Vector | None = Field(
        description="Gradient of the cross-entropy with respect to the logits, shape (classes,): "
        "y − t, where t is the one-hot target. Null without a target."
    )


def softmax_jacobian(logits: Array) -> Array:
    r"""Differentiate the softmax: :math:`\partial y_i / \partial z_j = y_i (\delta_{ij} - y_j)`.

    Parameters
    ----------
    logits
        Finite, shape (..., classes), dimensionless.

    Returns
    -------
    Shape (..., classes, classes). Entry [i, j] is the derivative of probability i with respect to
    logit j. The matrix is symmetric, and its rows and columns sum to 0. It is the covariance
    matrix of a one-hot vector with these probabilities, and so positive semi-definite.
    """
    y = softmax(logits)
    delta = np.eye(y.shape[-1])
    return y[..., :, None] * (delta - y[..., None, :])


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
    probabilities = softmax(logits)
    jacobian = softmax_jacobian(logits)
    check = float(np.abs(jacobian - complex_step_jacobian(logits)).max())
    loss = gradient = None
    if target is not None:
        loss = float(cross_entropy(logits[None], np.array([target]))[0])
        gradient = probabilities - (np.arange(classes) == target)
    return SoftmaxJacobianAnswer(
        probabilities=probabilities,
        jacobian=jacobian,
        check=check,
        cross_entropy=loss,
        gradient=gradient,
    )
