"""What the exact and the bounded regression have in common."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from stepbox.analysis.result import Array

LossName = Literal["l1", "l2"]


@dataclass(frozen=True)
class LinearFit:
    """A fit with the smallest loss, and both losses there.

    Attributes
    ----------
    w
        Shape (features,).
    residuals
        Xw − y, shape (points,).
    l1, l2
        Σ|r| and Σr².
    """

    w: Array
    residuals: Array
    l1: float
    l2: float

    def loss(self, name: LossName) -> float:
        """Return one of the losses."""
        return self.l1 if name == "l1" else self.l2


@dataclass(frozen=True)
class Evaluation:
    """A loss at a given w.

    Attributes
    ----------
    loss
        Σ|r| or Σr².
    gradient
        2Xᵀr for the L2 loss, Xᵀ sign(r) for the L1 loss, with 0 as the sign of 0; shape
        (features,).
    corners
        Indices of the points with a residual of 0, where |r| has no derivative. Empty for the L2
        loss.
    """

    loss: float
    gradient: Array
    corners: list[int]


def largest_term(X: Array, y: Array, w: Array) -> float:
    """Return the largest number in |X|ᵀ(|X||w| + |y|), the terms of the normal equations."""
    return float((np.abs(X).T @ (np.abs(X) @ np.abs(w) + np.abs(y))).max())
