"""A linear fit in exact rational arithmetic."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from flint import fmpq, fmpz

from stepbox.analysis.regression.rational import quotient
from stepbox.analysis.result import Array


@dataclass(frozen=True)
class ExactFit:
    """A linear fit, in fractions.

    Attributes
    ----------
    w
        Weights, shape (features,).
    numerators, unit
        The residuals r = Xw − y are numerators[i] · unit.
    """

    w: list[fmpq]
    numerators: list[fmpz]
    unit: fmpq

    @cached_property
    def residuals(self) -> Array:
        """Xw − y, rounded, shape (points,)."""
        p, q = int(self.unit.p), int(self.unit.q)
        return np.array([quotient(int(r) * p, q) for r in self.numerators])

    @cached_property
    def l1(self) -> fmpq:
        """Σ|r|."""
        return self.unit * sum((abs(r) for r in self.numerators), fmpz(0))

    @cached_property
    def l2(self) -> fmpq:
        """Σr²."""
        return self.unit**2 * sum((r * r for r in self.numerators), fmpz(0))
