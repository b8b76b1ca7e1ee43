"""Certificates that no w has a smaller loss than a solution of a regression."""

from pydantic import Field

from stepbox.analysis.result import Result, Vector

MOST_CHARACTERS = 100_000  # of a list of fractions in an answer
Fractions = list[str]


class L2Certificate(Result):
    """Proof that no w has a smaller squared loss: the loss is convex, and its gradient is 0."""

    normal_equations: Vector = Field(
        description="Xᵀ(Xw − y), shape (features,). If the solution is exact, this is computed for "
        "the exact w, and is 0. Else it is 0 up to rounding."
    )
    residual: float = Field(description="Largest magnitude in `normal_equations`.")
    relative_residual: float = Field(
        description="`residual` relative to the terms of `normal_equations`: divided by the "
        "largest number in |X|ᵀ(|X||w| + |y|)."
    )
    lower_bound: float = Field(
        description="No w has a smaller loss. If the solution is exact, this is its loss."
    )
    gap: float = Field(
        description="The solution's loss minus `lower_bound`: 0 if the solution is exact. Else it "
        "is a proven bound of how much the loss exceeds the smallest one."
    )
    optimal: bool | None = Field(
        description="Whether `normal_equations` and `gap` are exactly 0. Null if the solution is "
        "not exact; then `gap` is what is known."
    )


class L1Certificate(Result):
    """Proof that no w has a smaller absolute loss: 0 = Xᵀs for a subgradient s of Σ|rᵢ|.

    For every w, Σ|xᵢᵀw − yᵢ| ≥ sᵀ(Xw − y) = −sᵀy, and the solution reaches this bound. If the
    solution is exact, everything here is computed in fractions, and then rounded.
    """

    dual: Vector = Field(
        description="s, shape (points,), from -1 to 1. It is the sign of each residual, or any "
        "number in this range where the residual is 0."
    )
    dual_exact: Fractions | None = Field(
        description="s as fractions. Null if the solution is not exact, or if they have more than "
        f"{MOST_CHARACTERS:,} characters."
    )
    basis: list[int] | None = Field(
        description="Indices, from 0, of as many points as the rank of X, which determine the fit: "
        "it goes through them. Null if the solution is not exact."
    )
    largest: float = Field(description="Largest magnitude in s, at most 1.")
    stationarity: float = Field(
        description="Largest magnitude in Xᵀs: 0 if the solution is exact, else 0 up to rounding."
    )
    lower_bound: float = Field(
        description="No w has a smaller loss. It is −sᵀy; if the solution is not exact, the "
        "possible effect of rounding is subtracted."
    )
    gap: float = Field(
        description="The solution's loss minus `lower_bound`: 0 if the solution is exact. Else it "
        "is a proven bound of how much the loss exceeds the smallest one."
    )
    optimal: bool | None = Field(
        description="Whether `largest` is at most 1, and `stationarity` and `gap` are exactly 0. "
        "Null if the solution is not exact; then `gap` is what is known."
    )
