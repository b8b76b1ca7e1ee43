"""What the folders of an archive mean: classes, and parts of a data set."""

from collections.abc import Sequence
from typing import NamedTuple

from stepbox.data.dataset import Split
from stepbox.data.readers.names import natural_key, rejected
from stepbox.data.readers.splits import use_of_validation, validation_warning

MOST_CHARACTERS = 200  # of a class's name

_TRAIN = {"train", "training"}
_TEST = {"test", "testing"}
_VALIDATION = {"val", "valid", "validation"}
_SPLITS = _TRAIN | _TEST | _VALIDATION
_EXPECTED = "Put the images of each class into a folder, and zip these folders"

Folder = tuple[str, ...]


class Layout(NamedTuple):
    """The meaning of all folders.

    Attributes
    ----------
    splits
        Each part, and its folders in the order of their classes: number and class.
    warnings
        What users should know, as sentences.
    """

    splits: list[tuple[Split | None, list[tuple[int, str]]]]
    warnings: list[str]


class Folders:
    """The folders that contain images, numbered in the order in which they are found.

    Parameters
    ----------
    most_classes
        Largest number of classes.
    labels
        Whether the folders must name classes.
    """

    def __init__(self, most_classes: int, labels: bool = True) -> None:
        self._numbers: dict[Folder, int] = {}
        self._most_classes = most_classes
        self._labels = labels

    def __len__(self) -> int:
        return len(self._numbers)

    def number(self, folder: Folder, name: str) -> int:
        """Return the number of the folder of a file; `name` is the file's full name."""
        number = self._numbers.get(folder)
        if number is None:
            if not folder and self._labels:
                raise _outside(name)
            number = self._numbers[folder] = len(self._numbers)
            if number >= 3 * self._most_classes:  # of training, test and validation
                raise self._too_many()
        return number

    def _too_many(self) -> Exception:
        return rejected(f"has more than {self._most_classes:,} classes, which is the limit")

    def layout(self) -> Layout:
        """Find out what the folders mean.

        Raises
        ------
        InvalidInputError
            There is not one folder per class.
        """
        if () in self._numbers:
            raise _outside("")
        top = self._common_depth()
        folders = {folder[top:]: number for folder, number in self._numbers.items()}
        has_splits = _is_split(folders)
        _check_depths(folders, 2 if has_splits else 1)
        names = {folder[-1] for folder in folders}
        if len(names) < 2:
            raise rejected(f"has only one class, {next(iter(names))!r}: at least two are needed")
        if len(names) > self._most_classes:
            raise self._too_many()
        for name in names:
            if len(name) > MOST_CHARACTERS:
                raise rejected(f"has a class with over {MOST_CHARACTERS} characters: {name!r}")
        if not has_splits:
            return Layout([(None, _in_order(folders))], [])
        return _splits(folders)

    def _common_depth(self) -> int:
        """Return how many folders are around all others."""
        folders = list(self._numbers)
        depth = min(len(folder) for folder in folders) - 1
        top = 0
        while top < depth and len({folder[top] for folder in folders}) == 1:
            inner = {folder[top + 1 :] for folder in folders}
            if folders[0][top].lower() in _SPLITS and all(len(folder) == 1 for folder in inner):
                break  # only ``train/``, with classes
            top += 1
        return top


def _outside(name: str) -> Exception:
    what = f": {name[:100]!r}" if name else ", and others in folders"
    return rejected(f"has a file outside the class folders{what}. {_EXPECTED}")


def _is_split(folders: dict[Folder, int]) -> bool:
    return all(len(folder) > 1 and folder[0].lower() in _SPLITS for folder in folders)


def _check_depths(folders: dict[Folder, int], depth: int) -> None:
    if depth == 1 and all(len(folder) == 1 and folder[0].lower() in _SPLITS for folder in folders):
        raise rejected(
            f"has images directly in {sorted(folders)[0][0]!r}, without class folders in it"
        )
    for folder in folders:
        if len(folder) > depth:
            raise rejected(
                f"has folders in a class folder: {'/'.join(folder)[:100]!r}. {_EXPECTED}; above "
                "them only 'train' and 'test' are allowed"
            )
        if len(folder) < depth:
            raise rejected(f"has images in {folder[0]!r} that are not in a class folder")


def _in_order(folders: dict[Folder, int]) -> list[tuple[int, str]]:
    in_order = sorted(folders, key=lambda folder: (natural_key(folder[-1]), folder[::-1]))
    return [(folders[folder], folder[-1]) for folder in in_order]


def _splits(folders: dict[Folder, int]) -> Layout:
    """Return the layout of ``train/``, ``test/`` and ``val/``."""

    def among(words: set[str]) -> dict[Folder, int]:
        return {folder: number for folder, number in folders.items() if folder[0].lower() in words}

    train, test, validation = among(_TRAIN), among(_TEST), among(_VALIDATION)
    warnings = []
    if validation:
        use = use_of_validation(bool(test))
        warnings.append(validation_warning(next(iter(validation))[0], use))
        if use == "train":
            train |= validation
        else:
            test = validation
    if not train:
        raise rejected(f"has {_quoted(folders)}, but no folder 'train'")
    if not test:
        return Layout([(None, _in_order(train))], warnings)
    return Layout([("train", _in_order(train)), ("test", _in_order(test))], warnings)


def _quoted(folders: dict[Folder, int]) -> str:
    tops: Sequence[str] = sorted({folder[0] for folder in folders})
    return " and ".join(repr(top) for top in tops)
