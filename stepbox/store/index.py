"""The order of the models in a store, updated as models are added and deleted."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from threading import Lock
from typing import NamedTuple

from pydantic import BaseModel, ValidationError

from stepbox.errors import DamagedModelError, StoreError, UnavailableError
from stepbox.store.cache import ObjectCache, is_settled
from stepbox.store.card import CARD, MODEL_ID, MOST_CARD_BYTES, Moment
from stepbox.store.objects import LASTING, ObjectStore, Version, check_may_wait
from stepbox.store.parallel import outcomes
from stepbox.training.guessing import ConfusionMatrix, beats_guessing

CURSOR = re.compile(rf"-?[0-9]{{1,19}}\.{MODEL_ID.pattern}")

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_UNKNOWN = -(10**18)  # before all dates


class IndexedModel(NamedTuple):
    """The values that determine the order of models.

    Attributes
    ----------
    made
        When its training ended, in microseconds since 1970.
    id
        Its id.
    dataset
        Name of the data set that it was trained on; None if its card cannot be read.
    dataset_id
        Id of this data set; None if its card cannot be read, or is of an earlier version.
    better_than_guessing
        Whether it is known to be better than guessing; False if its card cannot be read.
    submitted_by
        Its owner; None if it has none, or if its card cannot be read.
    """

    made: int
    id: str
    dataset: str | None
    dataset_id: str | None
    better_than_guessing: bool
    submitted_by: str | None = None

    def is_visible_to(self, owner: str | None) -> bool:
        """Tell whether an owner sees it: it is theirs or nobody's. None sees every model."""
        return owner is None or self.submitted_by in (None, owner)


class _HeadDataset(BaseModel):
    name: str
    id: str | None = None


class _HeadEvaluation(BaseModel):
    confusion_matrix: ConfusionMatrix


class _Head(BaseModel):
    """The part of a card that is needed here. Reading a whole card takes eight times as long."""

    id: str
    created_at: Moment
    dataset: _HeadDataset
    evaluation: _HeadEvaluation
    submitted_by: str | None = None


class _Orders(NamedTuple):
    """The models in the two orders of `ModelIndex`."""

    newest_first: list[IndexedModel]
    best_first: list[IndexedModel]


class ModelIndex:
    """The models in a store, newest first.

    A model exists if it has a card. A card that has been read is not read again, because what is
    read from it never changes. A missing or damaged card is read again when its version changes.
    All methods are thread-safe.

    While the store does not answer, cards that cannot be read are left out, unless they are read
    for the first time: then nobody knows which model is the newest, and UnavailableError is raised.

    Parameters
    ----------
    objects
        The store of the models.
    """

    def __init__(self, objects: ObjectStore) -> None:
        self._objects = objects
        self._lock = Lock()
        self._names = ObjectCache[frozenset[str]](1, objects=objects)
        self._seen: frozenset[str] = frozenset()
        # Models whose cards are still to be read, with the cards' versions at the last attempt.
        self._doubtful: dict[str, list[Version | None] | None] = {}
        self._models: dict[str, IndexedModel] = {}
        self._orders: _Orders | None = None  # None after a change
        self._is_complete = False  # whether all cards have been tried

    def newest_first(self, owner: str | None = None) -> list[IndexedModel]:
        """Return the models that an owner sees, also damaged ones. Do not change the list."""
        return _visible(self._current().newest_first, owner)

    def get(self, model_id: str) -> IndexedModel | None:
        """Return a model; None if there is no such model."""
        self._current()
        return self._models.get(model_id)

    def best_first(self, owner: str | None = None) -> list[IndexedModel]:
        """Return the models known to be better than guessing, newest first, then all others.

        The others, including damaged ones, are also sorted newest first. Only those that an owner
        sees are returned. The caller must not change the list.
        """
        return _visible(self._current().best_first, owner)

    def _current(self) -> _Orders:
        with self._in_turn():
            try:
                names = self._names.get("", [""], lambda: frozenset(self._objects.names()))
            except OSError as error:
                raise StoreError(
                    f"the folder of models cannot be read: {error.strerror}"
                ) from error
            if names is not self._seen:
                check_may_wait("")
                self._compare(names)
            self._read_doubtful()
            if self._orders is None:
                check_may_wait("")
                newest_first = sorted(self._models.values(), reverse=True)
                best_first = sorted(newest_first, key=lambda model: not model.better_than_guessing)
                self._orders = _Orders(newest_first, best_first)
            return self._orders

    @contextmanager
    def _in_turn(self) -> Iterator[None]:
        """Hold the lock; within `from_memory`, do not wait for it."""
        if not self._lock.acquire(blocking=False):
            check_may_wait("")
            self._lock.acquire()
        try:
            yield
        finally:
            self._lock.release()

    def page(
        self, limit: int | None, after: str | None, owner: str | None = None
    ) -> tuple[list[IndexedModel], str | None]:
        """Return a page of models, and the cursor of the next page.

        Parameters
        ----------
        limit
            Largest number of models; None for no limit.
        after
            The cursor of the page, in the form of `CURSOR`; None for the first page. It stays valid
            if models are deleted.
        owner
            Return only the models that this owner sees; None for all.

        Returns
        -------
        tuple
            The models, newest first, and the cursor of the next page; None if there is none.
        """
        models = self.newest_first(owner)
        if after is not None:
            made, _, model_id = after.partition(".")
            place = int(made), model_id
            models = [model for model in models if (model.made, model.id) < place]
        found = models[:limit]
        return found, f"{found[-1].made}.{found[-1].id}" if len(found) < len(models) else None

    def doubt(self, model_id: str) -> None:
        """Have a model's card checked again, because it was found missing."""
        with self._lock:
            if model_id in self._models:
                self._doubtful[model_id] = None

    def _compare(self, names: frozenset[str]) -> None:
        """Note which names are new or gone."""
        for name in self._seen - names:
            self._doubtful.pop(name, None)
            self._put(name, None)
        self._doubtful.update(dict.fromkeys(filter(MODEL_ID.fullmatch, names - self._seen)))
        self._seen = names

    def _read_doubtful(self) -> None:
        """Read the cards that are new or changed."""
        changed = dict[str, list[Version | None]]()
        for model_id, before in self._doubtful.items():
            versions = self._objects.versions([f"{model_id}/{CARD}"])
            if versions != before:
                check_may_wait(model_id)
                changed[model_id] = versions
        away: UnavailableError | None = None
        for model_id, found in outcomes(self._read, changed, self._objects.reads_at_once):
            versions = changed[model_id]
            self._doubtful[model_id] = versions if is_settled(versions) else None
            match found:
                case IndexedModel():
                    del self._doubtful[model_id]
                    self._put(model_id, found)
                case FileNotFoundError():
                    self._put(model_id, None)
                case UnavailableError():
                    self._doubtful[model_id] = None
                    away = found
                case OSError() | DamagedModelError() | ValidationError():
                    if isinstance(found, OSError) and found.errno not in LASTING:
                        self._doubtful[model_id] = None
                    self._put(model_id, IndexedModel(_UNKNOWN, model_id, None, None, False))
                case _:
                    raise found
        if away and not self._is_complete:
            raise away
        self._is_complete = True

    def _read(self, model_id: str) -> IndexedModel:
        head = _Head.model_validate_json(self._objects.get(f"{model_id}/{CARD}", MOST_CARD_BYTES))
        if head.id != model_id:
            raise DamagedModelError(f"it is the card of {head.id}")
        made = (head.created_at - _EPOCH) // _MICROSECOND
        better = beats_guessing(head.evaluation.confusion_matrix) is True
        return IndexedModel(
            made, head.id, head.dataset.name, head.dataset.id, better, head.submitted_by
        )

    def _put(self, model_id: str, found: IndexedModel | None) -> None:
        if found != self._models.get(model_id):
            self._orders = None
        if found is None:
            self._models.pop(model_id, None)
        else:
            self._models[model_id] = found


def _visible(models: list[IndexedModel], owner: str | None) -> list[IndexedModel]:
    if owner is None:
        return models
    return [model for model in models if model.is_visible_to(owner)]
