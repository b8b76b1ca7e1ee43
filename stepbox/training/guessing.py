"""Whether a network is better than guessing, from its confusion matrix."""

from typing import Annotated

from pydantic import AfterValidator

from stepbox.training.report import Count

# Standard errors by which a network must exceed guessing. By chance, fewer than 2 of 1,000 networks
# that only guess do.
GUESSING_MARGIN = 3


def _check_square(counts: tuple[tuple[int, ...], ...]) -> tuple[tuple[int, ...], ...]:
    if not any(map(sum, counts)) or any(len(row) != len(counts) for row in counts):
        raise ValueError("it must be square, and count at least one sample")
    return counts


ConfusionMatrix = Annotated[tuple[tuple[Count, ...], ...], AfterValidator(_check_square)]


def beats_guessing(confusion_matrix: tuple[tuple[int, ...], ...]) -> bool | None:
    """Return whether a network is better than guessing; None if that cannot be told.

    It is if its accuracy exceeds p, the accuracy of always answering the most frequent class, by
    more than three standard errors of a binomial proportion, 3 √(p (1 − p) / n). If p is so large,
    or n so small, that not even an accuracy of 1 does, the samples cannot tell.

    Parameters
    ----------
    confusion_matrix
        Counts, shape (classes, classes), of n ≥ 1 samples: one row per true class, one column per
        predicted class.

    Examples
    --------
    >>> beats_guessing(((90, 10), (20, 80)))
    True
    >>> beats_guessing(((100, 0), (100, 0)))
    False
    >>> beats_guessing(((2, 0), (0, 2))) is None
    True
    """
    samples = sum(map(sum, confusion_matrix))
    guessed = max(map(sum, confusion_matrix))

    def passes(right: int) -> bool:
        # The inequality, multiplied by n and squared: integers have no rounding errors.
        ahead = right - guessed
        variance = guessed * (samples - guessed)
        return ahead > 0 and ahead**2 * samples > GUESSING_MARGIN**2 * variance

    right = sum(row[label] for label, row in enumerate(confusion_matrix))
    return passes(right) if passes(samples) else None
