"""Tell from the names of files or folders which split they belong to.

A validation set is the test part if there is no other, as many data sets have no test labels.
Otherwise its samples are for training: a recipe holds out its own validation samples.
"""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from stepbox.data.dataset import Split
from stepbox.errors import InvalidInputError

Named = Literal["train", "test", "validation"]
Files = Sequence[tuple[str, Path]]

# Words between other characters: MNIST's test files are named ``t10k-…``.
WORDS: dict[str, Named] = {
    "train": "train",
    "training": "train",
    "test": "test",
    "testing": "test",
    "t10k": "test",
    "val": "validation",
    "valid": "validation",
    "validation": "validation",
    "dev": "validation",
}


def split_in_name(name: str) -> Named | None:
    """Tell the split of a file from its name, or from the nearest folder that names one.

    Raises
    ------
    InvalidInputError
        The name has several splits.
    """
    for component in reversed(name.split("/")):
        words = set(re.findall("[a-z0-9]+", component.lower()))
        splits = sorted({WORDS[word] for word in words & WORDS.keys()})
        if len(splits) > 1:
            raise InvalidInputError.at("", f"{name!r} names the splits {' and '.join(splits)}")
        if splits:
            return splits[0]
    return None


def by_split(files: Files) -> tuple[dict[Split | None, list[tuple[str, Path]]], list[str]]:
    """Group files by the split that their names tell, in their order.

    Returns
    -------
    dict
        The files of each split; all files under None if no name tells a split.
    list[str]
        What users should know, as sentences.

    Raises
    ------
    InvalidInputError
        Only some names tell a split, or a name has several.
    """
    named = [split_in_name(name) for name, _ in files]
    if None in named and len(set(named)) > 1:
        names = ", ".join(
            repr(name) for (name, _), split in zip(files, named, strict=True) if split is None
        )
        raise InvalidInputError.at(
            "", f"{names}: the name must say train or test, as those of the other files do"
        )
    use = use_of_validation("test" in named)
    groups: dict[Split | None, list[tuple[str, Path]]] = {}
    warnings = []
    for file, split in zip(files, named, strict=True):
        if split == "validation":
            warnings.append(validation_warning(file[0], use))
        groups.setdefault(use if split == "validation" else split, []).append(file)
    return groups, warnings


def use_of_validation(has_test: bool) -> Split:
    """Return the split that a validation set becomes."""
    return "train" if has_test else "test"


def validation_warning(name: str, use: Split) -> str:
    """Say what becomes of a validation set."""
    if use == "test":
        return f"The samples in {name!r} are the test part."
    return (
        f"The samples in {name!r} belong to the training part. To hold out some of them while "
        "training, set `validation` in the recipe."
    )
