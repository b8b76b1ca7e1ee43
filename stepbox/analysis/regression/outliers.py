"""How far points pull on a fit by squares, and how little on one by sizes."""

from dataclasses import dataclass

import numpy as np

from stepbox.analysis.regression.linear_fits import (
    SOLVERS,
    Array,
    LossName,
    absolute_loss,
    largest,
    squared_loss,
)

FAR = 6.0  # an outlier is this many median distances from the l1 fit


@dataclass(frozen=True)
class Fit:
    """A minimiser w of one loss, and both losses there."""

    w: Array
    l1: float
    l2: float


@dataclass(frozen=True)
class Comparison:
    """Both solutions side by side.

    Attributes
    ----------
    l1, l2
        The solutions.
    difference
        Largest difference of their weights.
    outliers
        Points that lie ``FAR`` median distances from the l1 fit.
    l1_without, l2_without
        The solutions without the outliers; None where there is none.
    remark
        What that says, in words.
    """

    l1: Fit
    l2: Fit
    difference: float
    outliers: list[int]
    l1_without: Fit | None
    l2_without: Fit | None
    remark: str


def compare(X: Array, y: Array) -> Comparison:
    """Put both solutions side by side, with and without the points that lie far out.

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
    limit = FAR * median + 1e-9 * largest(y)  # all but a few may lie on the fit
    # The fit goes through as many points as it has weights, which says nothing of the others.
    enough = len(y) >= 2 * X.shape[1] + 2
    far = (distances > limit) & enough
    outliers = np.flatnonzero(far).tolist()
    if not outliers:
        what = (
            f"No point lies over {FAR:g} median distances from the l1 fit"
            if enough
            else f"{len(y)} points are too few to call one of them an outlier"
        )
        remark = f"{what}; the weights of the two fits differ by at most {difference:.3g}."
        return Comparison(l1, l2, difference, [], None, None, remark)
    l1_without, l2_without = _fit("l1", X[~far], y[~far]), _fit("l2", X[~far], y[~far])
    moved1, moved2 = largest(l1.w - l1_without.w), largest(l2.w - l2_without.w)
    listed = ", ".join(map(str, outliers[:5])) + (" …" if len(outliers) > 5 else "")
    remark = (
        f"{'Points' if len(outliers) > 1 else 'Point'} {listed} (counted from 0) "
        f"{'lie' if len(outliers) > 1 else 'lies'} over {FAR:g} median distances from the l1 fit. "
        f"Taken away, the weights of l1 move by at most {moved1:.3g}, those of l2 by "
        f"{moved2:.3g}: a square grows with the distance, so l2 follows far points; l1 feels only "
        "on which side they lie."
    )
    return Comparison(l1, l2, difference, outliers, l1_without, l2_without, remark)


def _fit(loss: LossName, X: Array, y: Array) -> Fit:
    w = SOLVERS[loss](X, y).w
    return Fit(w, absolute_loss(X, y, w)[0], squared_loss(X, y, w)[0])
