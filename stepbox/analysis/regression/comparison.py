"""The L1 fit and the L2 fit side by side, with and without outliers."""

import numpy as np
from pydantic import Field

from stepbox.analysis.regression.solutions import LOSSES, SOLVERS, LossName, largest
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
    difference: float = Field(description="Largest difference between their weights.")
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


def compare(X: Array, y: Array) -> Comparison:
    """Solve with both losses, and solve again without the outliers.

    Parameters
    ----------
    X
        Shape (points, features).
    y
        Shape (points,).
    """
    l1, l2 = _fit("l1", X, y), _fit("l2", X, y)
    difference = largest(l1.w - l2.w)
    distances = np.abs(X @ l1.w - y)
    median = float(np.median(distances))
    limit = FAR * median + 1e-9 * largest(y)  # the median is 0 if most points lie on the fit
    # The L1 fit goes through as many points as it has weights. With few other points, the median
    # distance says little.
    enough = len(y) >= 2 * X.shape[1] + 2
    far = (distances > limit) & enough
    outliers = np.flatnonzero(far).tolist()
    l1_without = l2_without = None
    if outliers:
        l1_without, l2_without = _fit("l1", X[~far], y[~far]), _fit("l2", X[~far], y[~far])
        moved1, moved2 = largest(l1.w - l1_without.w), largest(l2.w - l2_without.w)
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
            else f"{len(y)} points are too few to tell outliers from the others"
        )
        remark = f"{what}. The weights of the two fits differ by at most {difference:.3g}."
    return Comparison(
        l1=l1,
        l2=l2,
        difference=difference,
        outliers=outliers,
        l1_without=l1_without,
        l2_without=l2_without,
        remark=remark,
    )


def _fit(loss: LossName, X: Array, y: Array) -> Fit:
    w = SOLVERS[loss](X, y).w
    return Fit(w=w, l1=LOSSES["l1"](X, y, w)[0], l2=LOSSES["l2"](X, y, w)[0])
