"""The order of the models in a folder, brought up to date by what came and went."""

import os
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Lock
from typing import NamedTuple

from pydantic import BaseModel, ValidationError

from stepbox.data.builtin import DatasetName
from stepbox.errors import DamagedModelError, StoreError
from stepbox.store.card import MODEL_ID, MOST_CARD_BYTES, Moment
from stepbox.store.file_cache import FileCache, Version, file_versions, is_settled
from stepbox.store.regular_files import read_regular

CARD = "card.json"

CURSOR = re.compile(rf"-?[0-9]{{1,19}}\.{MODEL_ID.pattern}")

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_UNKNOWN = -(10**18)  # before all dates


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
        self._seen: frozenset[str] = frozenset()
        # Models whose cards are not read or cannot be, with the cards' versions as last seen.
        self._doubtful: dict[str, list[Version | None] | None] = {}
        self._models: dict[str, IndexedModel] = {}
        self._order: list[IndexedModel] = []

    def newest_first(self) -> list[IndexedModel]:
        """Return all models as they are now, damaged ones too; the list never changes."""
        with self._lock:
            try:
                names = self._names.get("", [self._folder], self._list)
            except OSError as error:
                raise StoreError(
                    f"the folder of models cannot be read: {error.strerror}"
                ) from error
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
        changed = False
        for model_id in self._seen - names:
            self._doubtful.pop(model_id, None)
            changed |= self._put(model_id, None)
        self._doubtful.update(dict.fromkeys(names - self._seen))
        self._seen = names
        return changed

    def _read_doubtful(self) -> bool:
        """Look at the cards that could not be read before; tells whether the order changed."""
        changed = False
        for model_id, before in list(self._doubtful.items()):
            folder = f"{self._folder}/{model_id}"
            found: IndexedModel | None
            try:
                versions = file_versions([f"{folder}/{CARD}"])
                if versions == before:
                    continue
                self._doubtful[model_id] = versions if is_settled(versions) else None
                found = _read(folder, model_id)
            except OSError:  # which may pass
                self._doubtful[model_id] = None
                found = _unreadable(model_id) if Path(folder).is_dir() else None
            if found is not None and found.dataset is not None:
                del self._doubtful[model_id]
            changed |= self._put(model_id, found)
        return changed

    def _put(self, model_id: str, found: IndexedModel | None) -> bool:
        if found == self._models.get(model_id):
            return False
        if found is None:
            del self._models[model_id]
        else:
            self._models[model_id] = found
        return True


def _read(folder: str, model_id: str) -> IndexedModel:
    try:
        head = _Head.model_validate_json(read_regular(f"{folder}/{CARD}", MOST_CARD_BYTES))
        if head.id == model_id:
            made = (head.created_at - _EPOCH) // _MICROSECOND
            return IndexedModel(made, head.id, head.recipe.dataset)
    except (DamagedModelError, ValidationError):
        pass
    return _unreadable(model_id)


def _unreadable(model_id: str) -> IndexedModel:
    return IndexedModel(_UNKNOWN, model_id, None)
