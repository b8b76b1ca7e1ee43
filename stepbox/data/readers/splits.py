"""Tell from the name of a file which split it belongs to."""

import re

from stepbox.data.dataset import Split
from stepbox.errors import InvalidInputError

# Words between other characters: MNIST's test files are named ``t10k-…``.
_WORDS: dict[str, Split] = {
    "train": "train",
    "training": "train",
    "test": "test",
    "testing": "test",
    "t10k": "test",
}
_VALIDATION = {"val", "valid", "validation", "dev"}


def split_in_name(name: str) -> Split | None:
    """Tell the split of a file from its name, or from the nearest folder that names one.

    Raises
    ------
    InvalidInputError
        The name has both splits, or is that of a validation set.
    """
    for component in reversed(name.split("/")):
        words = set(re.findall("[a-z0-9]+", component.lower()))
        if words & _VALIDATION:
            raise InvalidInputError.at(
                "",
                f"{name!r} looks like a validation set. An upload has a training and a test part: "
                "add these samples to one of them, or leave them out",
            )
        splits = {_WORDS[word] for word in words & _WORDS.keys()}
        if len(splits) > 1:
            raise InvalidInputError.at("", f"{name!r} names both splits, train and test")
        if splits:
            return splits.pop()
    return None
