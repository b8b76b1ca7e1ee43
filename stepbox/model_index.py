"""The order of the models in a folder, brought up to date by what came and went."""

import os
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Lock
from typing import NamedTuple

from pydantic import BaseModel, ValidationError

from stepbox.card import MODEL_ID, MOST_CARD_BYTES, Moment
from stepbox.errors import DamagedModelError
from stepbox.file_cache import FileCache
from stepbox.recipe import DatasetName
from stepbox.regular_files import read_regular

CARD = "card.json"

CURSOR = re.compile(rf"-?[0-9]{{1,19}}\.{MODEL_ID.pattern}")

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_UNKNOWN = -(10**18)  # before all dates
_DAMAGED = 100_000  # most models whose damage is kept in mind


class IndexedModel(NamedTuple):
    """What the order of models depends on.

    Attributes
    ----------
    made
        When its training ended, in microseconds since 1970.
    id
        Its id.
    dataset
        The data set that it was trained on; None where its card does not tell these three.
    """

    made: int
    id: str
    dataset: DatasetName | None

    @property
    def cursor(self) -> str:
        """Its place in the order, which stays known when it is deleted."""
        return f"{self.made}.{self.id}"


class _HeadRecipe(BaseModel):
    dataset: DatasetName


class _Head(BaseModel):
    """The part of a card that is needed here: reading it takes an eighth of the time."""

    id: str
    created_at: Moment
    recipe: _HeadRecipe


class ModelIndex:
    """The models in a folder, newest first.

    Each card is read once, since cards of models never change; one that cannot be read is read
    anew when it changes. Safe among threads.

    Parameters
    ----------
    folder
        Where the models lie; it may be missing.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = Lock()
        self._names = FileCache[frozenset[str]](1)
        self._unread = FileCache[IndexedModel | None](_DAMAGED)
        self._seen: frozenset[str] = frozenset()
        self._doubtful: set[str] = set()  # whose cards are not read, or cannot be
        self._models: dict[str, IndexedModel] = {}
        self._order: list[IndexedModel] = []

    def newest_first(self) -> list[IndexedModel]:
        """Return all models as they are now, damaged ones too; the list never changes."""
        with self._lock:
            names = self._names.get("", [self._folder], self._list)
            changed = names is not self._seen and self._compare(names)
            if self._read_doubtful() or changed:
                self._order = sorted(self._models.values(), reverse=True)
            return self._order

    def page(self, limit: int, after: str | None) -> tuple[list[IndexedModel], str | None]:
        """Return the first models, at most so many, and the cursor behind them.

        Parameters
        ----------
        limit
            Most models.
        after
            The cursor behind which they are looked for, of the form `CURSOR`.

        Returns
        -------
        tuple
            The models, newest first, and the cursor for the next ones; None where there are none.
        """
        models = self.newest_first()
        if after is not None:
            made, _, model_id = after.partition(".")
            place = int(made), model_id
            models = [model for model in models if (model.made, model.id) < place]
        found = models[:limit]
        return found, found[-1].cursor if len(models) > limit else None

    def _list(self) -> frozenset[str]:
        try:
            return frozenset(filter(MODEL_ID.fullmatch, os.listdir(self._folder)))  # noqa: PTH208
        except (FileNotFoundError, NotADirectoryError):
            return frozenset()

    def _compare(self, names: frozenset[str]) -> bool:
        """Take in which names came and went; tells whether a model did go."""
        gone = [self._models.pop(model_id, None) for model_id in self._seen - names]
        self._doubtful = (self._doubtful & names) | (names - self._seen)
        self._seen = names
        return any(gone)

    def _read_doubtful(self) -> bool:
        """Look at the cards that could not be read before; tells whether the order changed."""
        changed = False
        for model_id in list(self._doubtful):
            found = self._look_at(model_id)
            if found == self._models.get(model_id):
                continue
            changed = True
            if found is None:
                del self._models[model_id]
                continue
            self._models[model_id] = found
            if found.dataset is not None:
                self._doubtful.remove(model_id)
                self._unread.forget(model_id)
        return changed

    def _look_at(self, model_id: str) -> IndexedModel | None:
        folder = self._folder / model_id
        try:
            return self._unread.get(model_id, [folder / CARD], lambda: _read(folder))
        except OSError:  # which may pass, and so was not kept
            return IndexedModel(_UNKNOWN, model_id, None) if folder.is_dir() else None


def _read(folder: Path) -> IndexedModel:
    try:
        head = _Head.model_validate_json(read_regular(folder / CARD, MOST_CARD_BYTES))
        if head.id == folder.name:
            made = (head.created_at - _EPOCH) // _MICROSECOND
            return IndexedModel(made, head.id, head.recipe.dataset)
    except (DamagedModelError, ValidationError):
        pass
    return IndexedModel(_UNKNOWN, folder.name, None)
