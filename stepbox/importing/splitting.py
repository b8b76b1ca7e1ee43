"""Splits: which samples train a network, and which test it."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from stepbox.data.dataset import Split
from stepbox.errors import InvalidInputError


class Chosen(NamedTuple):
    """Some samples of one part, in their order."""

    part: int
    indices: NDArray[np.int64]


def split_parts(
    splits: Sequence[Split | None],
    labels: Sequence[NDArray[np.integer]],
    share: float,
    seed: int,
) -> dict[Split, list[Chosen]]:
    """Decide which samples are for training and which for testing.

    A file's own split is kept. Without a test part, each class gives about the same share of its
    samples to the test split, chosen by the seed before anything else is computed from them.

    Parameters
    ----------
    splits
        The split of each part; None if the upload does not say.
    labels
        The labels of each part, shape (samples,).
    share
        Share of samples for testing.
    seed
        Seed of the choice.

    Raises
    ------
    InvalidInputError
        Only some parts have a split, or there is nothing to train or to test with.
    """
    if "test" in splits:
        if None in splits or "train" not in splits:
            raise InvalidInputError.at(
                "", "the upload has a test part, so it also needs a training part, and nothing else"
            )
        found: dict[Split, list[Chosen]] = {"train": [], "test": []}
        for number, split in enumerate(splits):
            found[split or "train"].append(Chosen(number, np.arange(len(labels[number]))))
        return found
    rng = np.random.default_rng(seed)
    everything = np.concatenate(labels)
    for_test = np.zeros(len(everything), bool)
    for label in np.unique(everything):
        members = rng.permutation(np.flatnonzero(everything == label))
        # At least one of two samples, but never the only one.
        count = min(max(1, round(share * len(members))), len(members) - 1)
        for_test[members[:count]] = True
    if not for_test.any():
        raise InvalidInputError.at(
            "", "the upload has a single sample of each class, so none to test with"
        )
    starts = np.cumsum([0, *map(len, labels)])

    def chosen(wanted: NDArray[np.bool_]) -> list[Chosen]:
        pieces = np.split(wanted, starts[1:-1])
        return [Chosen(number, np.flatnonzero(piece)) for number, piece in enumerate(pieces)]

    return {"train": chosen(~for_test), "test": chosen(for_test)}
