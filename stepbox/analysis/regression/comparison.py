"""The L1 fit and the L2 fit side by side, with and without outliers."""

from math import inf, isnan

import numpy as np
from pydantic import Field

from stepbox.analysis.regression.linear_fit import LinearFit
from stepbox.analysis.regression.solutions import Regression, largest, regression_of
from stepbox.analysis.result import Array, Result, Vector

FAR = 6.0  # an outlier is more than this many median distances from the L1 fit


class Fit(Result):
    """A minimiser w of one loss, and both losses at w."""

    w: Vector = Field(description="Shape (features,).")
    l1: float = Field(description="Σ|r|")
    l2: float = Field(description="Σr²")


class Comparison(Result):
    """Both fits side by side."""

    l1: Fit = Field(description="The fit with the L1 loss.")
    l2: Fit = Field(description="The fit with the L2 loss.")
    difference: float | None = Field(
        description="Largest difference between their weights. Null if it exceeds the float range."
    )
    outliers: list[int] = Field(
        description=f"Indices, from 0, of the points that are more than {FAR:g} median distances "
        "from the L1 fit."
    )
    l1_without: Fit | None = Field(
        description="The L1 fit without the outliers. Null if there are none."
    )
    l2_without: Fit | None = Field(
        description="The L2 fit without the outliers. Null if there are none."
    )
    remark: str = Field(description="The comparison in words.")


def compare(X: Array, y: Array, regression: Regression) -> Comparison:
    """Solve with both losses, and solve again without the outliers.

    Parameters
    ----------
    X
        Shape (points, features).
    y
        Shape (points,).
    regression
        The regression of these points.
    """
    l1, l2 = regression.fit("l1"), regression.fit("l2")
    difference = _difference(l1, l2)
    distances = np.abs(l1.residuals)
    median = float(np.median(distances))
    limit = FAR * median + 1e-9 * largest(y)  # the median is 0 if most points lie on the fit
    # The L1 fit goes through as many points as it has weights. With few other points, the median
    # distance says little.
    enough = len(y) >= 2 * X.shape[1] + 2
    far = (distances > limit) & enough
    outliers = np.flatnonzero(far).tolist()
    l1_without = l2_without = None
    if outliers:
        others = regression_of(X[~far], y[~far])
        l1_without, l2_without = others.fit("l1"), others.fit("l2")
        moved1, moved2 = _difference(l1, l1_without), _difference(l2, l2_without)
        many = len(outliers) > 1
        listed = ", ".join(map(str, outliers[:5])) + (" …" if len(outliers) > 5 else "")
        remark = (
            f"Point{'s' * many} {listed} (counted from 0) {'are' if many else 'is'} more than "
            f"{FAR:g} median distances from the l1 fit. Without {'them' if many else 'it'}, the l1 "
            f"weights change by at most {moved1:.3g} and the l2 weights by at most {moved2:.3g}. "
            "On the l2 fit, the influence of a point grows with its distance; on the l1 fit, only "
            "the sign of its residual matters."
        )
    else:
        what = (
            f"No point is more than {FAR:g} median distances from the l1 fit"
            if enough
            else "There are too few points to tell outliers from the others"
        )
        remark = f"{what}. The weights of the two fits differ by at most {difference:.3g}."
    return Comparison(
        l1=_fit(l1),
        l2=_fit(l2),
        difference=difference,
        outliers=outliers,
        l1_without=l1_without and _fit(l1_without),
        l2_without=l2_without and _fit(l2_without),
        remark=remark,
    )


def _difference(one: LinearFit, other: LinearFit) -> float:
    """Return the largest difference between the weights: ∞ if it exceeds the float range."""
    with np.errstate(over="ignore", invalid="ignore"):
        difference = largest(one.w - other.w)  # ∞ − ∞ is not a number
    return inf if isnan(difference) else difference


def _fit(fit: LinearFit) -> Fit:
    return Fit(w=fit.w, l1=fit.l1, l2=fit.l2)
