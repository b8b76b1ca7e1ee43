"""Calibration: of the answers with a confidence of 70 %, 70 % should be right."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from stepbox.nn.activations import Array
from stepbox.training.report import Count, Report, Share

BINS = 10


class CalibrationBin(Report):
    """The test samples whose top probability is in [low, high); the last bin includes 1."""

    low: Share = Field(description="Lower edge.")
    high: Share = Field(description="Upper edge.")
    count: Count = Field(description="Number of samples.")
    confidence: Share | None = Field(description="Mean top probability; null in an empty bin.")
    accuracy: Share | None = Field(description="Share of right answers; null in an empty bin.")


def calibration_bins(confidence: Array, right: NDArray[np.bool_]) -> list[CalibrationBin]:
    """Count the samples in each of ten equal bins of their top probability.

    Parameters
    ----------
    confidence
        The top probability of each sample, 0 to 1, shape (n,).
    right
        Whether the answer is right, shape (n,).
    """
    index = np.minimum((confidence * BINS).astype(int), BINS - 1)
    bins = []
    for number in range(BINS):
        inside = index == number
        count = int(inside.sum())
        bins.append(
            CalibrationBin(
                low=number / BINS,
                high=(number + 1) / BINS,
                count=count,
                confidence=float(confidence[inside].mean()) if count else None,
                accuracy=float(right[inside].mean()) if count else None,
            )
        )
    return bins


def expected_calibration_error(bins: Sequence[CalibrationBin]) -> float:
    """Return the mean of |accuracy − confidence| over bins, weighted by count, 0 to 1.

    References
    ----------
    Guo, C. et al. (2017). On calibration of modern neural networks, equation 3.
    """
    gaps = (
        bin.count * abs(bin.accuracy - bin.confidence)
        for bin in bins
        if bin.accuracy is not None and bin.confidence is not None
    )
    return sum(gaps) / sum(bin.count for bin in bins)
