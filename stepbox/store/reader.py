"""Read finished models: lists of them, and the card and network that a reference names."""

import re
from collections.abc import Callable, Iterable, Iterator
from copy import copy
from pathlib import Path
from typing import BinaryIO, NamedTuple, Self, TypeVar

from stepbox.data.dataset import DATASET_NAME
from stepbox.errors import (
    DamagedModelError,
    NotFoundError,
    NotInMemoryError,
    NotOwnedError,
    StepboxError,
)
from stepbox.nn.network import Network
from stepbox.store.alias_record import AliasRecords
from stepbox.store.aliases import Aliases
from stepbox.store.card import MODEL_ID, Card
from stepbox.store.index import ModelIndex
from stepbox.store.loader import CACHE_BYTES, ModelLoader
from stepbox.store.objects import ObjectStore, from_memory, object_store
from stepbox.store.parallel import outcomes
from stepbox.store.weights import WEIGHTS
from stepbox.training.step_record import StepRecord

T = TypeVar("T")

LATEST = re.compile(f"latest(-(?P<dataset>{DATASET_NAME.pattern}))?")
"""The computed references: the newest model of any data set, or of one by name."""


class ModelEntry(NamedTuple):
    """A model as a list shows it: its card, or None and what is wrong with its files."""

    id: str
    card: Card | None
    damage: str | None


class ModelReader:
    """The finished models in a store, with caches. Many threads and processes may use it at once.

    A reference to a model is its id, an alias, ``latest`` (the newest undamaged model that is
    better than guessing, or if there is none, the newest undamaged model), or ``latest-`` and the
    name of a data set (the same among its models). A reference becomes part
    of a key only if it has the form of an id.

    Parameters
    ----------
    place
        An object store, or a folder, which is created with the first model.
    cache_bytes
        Largest size of the cached networks and their cards, in bytes.
    """

    def __init__(self, place: ObjectStore | Path, cache_bytes: int = CACHE_BYTES) -> None:
        self._objects = object_store(place)
        self._aliases = Aliases(self._objects)
        self._records = AliasRecords(self._objects)
        self._index = ModelIndex(self._objects)
        self._loader = ModelLoader(self._objects, self._index, cache_bytes)
        self._owner: str | None = None

    def seen_by(self, owner: str) -> Self:
        """Return this store as an owner sees it: with the models that are theirs or nobody's.

        Others do not exist in it. What is nobody's cannot be changed in it.
        """
        view = copy(self)
        view._owner = owner
        return view

    def ids(self) -> list[str]:
        """Return the ids of all models, newest first, including damaged ones."""
        return [model.id for model in self._index.newest_first(self._owner)]

    def any(self) -> bool:
        """Return whether there is a model, whole or damaged, without reading any card."""
        return any(self.is_published(name) for name in self._objects.names())

    def trained_on(self, dataset_id: str) -> list[str]:
        """Return the ids of the models whose cards name a data set by its id, newest first."""
        models = self._index.newest_first(self._owner)
        return [model.id for model in models if model.dataset_id == dataset_id]

    def page(
        self, limit: int | None = None, after: str | None = None
    ) -> tuple[list[ModelEntry], str | None]:
        """Return models, newest first. Their weights are compared with their cards.

        Parameters and cursor are those of `ModelIndex.page`.
        """
        found, cursor = self._index.page(limit, after, self._owner)
        ids = [model.id for model in found]
        return [ModelEntry(*entry) for entry in self._each(ids, self._loader.whole_card)], cursor

    def states(self) -> list[tuple[str, str | None]]:
        """Return the ids of all models, newest first, each with its known damage or None.

        The weights are not read. So damage that does not change the size of the file is known only
        after `card` or `load` has read the model.
        """
        return [(id, damage) for id, _, damage in self._each(self.ids(), self._loader.check_size)]

    def card(self, reference: str) -> Card:
        """Return a model's card, after comparing the weights with it.

        Raises
        ------
        NotFoundError
            There is no such model or alias.
        DamagedModelError
            Files are missing, cannot be read or differ from the card.
        """
        return self._find(reference, self._loader.whole_card)

    def load(self, reference: str) -> tuple[Card, Network]:
        """Return a card and its network, whose arrays are read-only; raises as `card` does."""
        return self._find(reference, self._loader.network)

    def loaded(self, reference: str) -> tuple[Card, Network] | None:
        """Return the result of `load` if it can be had without waiting, else None.

        Raises as `card` does.
        """
        try:
            with from_memory():
                return self.load(reference)
        except NotInMemoryError:
            return None

    def load_initial(self, reference: str) -> tuple[Card, Network]:
        """Return a model's card and its untrained network; raises as `card` does."""
        card = self.card(reference)
        return card, self._loader.initial(card)

    def load_steps(self, reference: str) -> tuple[Card, StepRecord | None]:
        """Return a card and the record of the training's steps, if any; raises as `card` does."""
        card = self.card(reference)
        return card, self._loader.steps(card)

    def open_weights(self, reference: str) -> tuple[Card, BinaryIO]:
        """Return a model's card and its weights file, open for reading; raises as `card` does."""
        card = self.card(reference)
        try:
            return card, self._objects.open(f"{card.id}/{WEIGHTS}")
        except FileNotFoundError as error:
            raise NotFoundError(f"model {reference!r} has just been deleted") from error

    def aliases(self) -> dict[str, str]:
        """Return all aliases, each with the id of its model."""
        aliases = self._aliases.read().items()
        return {name: model_id for name, model_id in aliases if self._sees(model_id)}

    def latest_references(self) -> list[str]:
        """Return the computed references that name a model: ``latest`` and ``latest-mnist``…"""
        models = self._index.newest_first(self._owner)
        names = {model.dataset for model in models if model.dataset}
        return ["latest", *(f"latest-{name}" for name in sorted(names))] if names else []

    def is_published(self, model_id: str) -> bool:
        """Return whether a model exists, whole or damaged."""
        is_id = bool(MODEL_ID.fullmatch(model_id))
        return is_id and self._sees(model_id) and self._loader.exists(model_id)

    def _sees(self, model_id: str) -> bool:
        """Tell whether the owner of this view sees a model, if it exists."""
        if self._owner is None:
            return True
        try:
            owner = self._loader.card(model_id).submitted_by
        except NotFoundError:
            return False
        except DamagedModelError:  # its card may still say whose it is
            model = self._index.get(model_id)
            return model is not None and model.is_visible_to(self._owner)
        return owner in (None, self._owner)

    def _expect(self, model_id: str) -> None:
        """Raise an error unless a model exists and may be changed."""
        owns = self._owns(model_id)  # first: a model that is deleted meanwhile is not found
        if not self.is_published(model_id):
            raise NotFoundError(f"there is no model {model_id[:80]!r}")
        if not owns:
            raise NotOwnedError(f"model {model_id} has no owner, so you may not change it")

    def _owns(self, model_id: str) -> bool:
        """Tell whether the owner of this view may change a model."""
        if self._owner is None:
            return True
        model = self._index.get(model_id)
        return model is not None and model.submitted_by == self._owner

    def _each(
        self, ids: Iterable[str], read: Callable[[str], T]
    ) -> Iterator[tuple[str, T | None, str | None]]:
        """Read models; yield the id of each with what was read, or with None and its damage."""
        for model_id, found in outcomes(read, ids, self._objects.reads_at_once):
            if isinstance(found, NotFoundError):
                continue  # deleted meanwhile
            if isinstance(found, DamagedModelError):
                yield model_id, None, str(found)
            elif isinstance(found, Exception):
                raise found
            else:
                yield model_id, found, None

    def _find(self, reference: str, read: Callable[[str], T]) -> T:
        """Read the model of a reference; for a `LATEST` one, the first that can be read."""
        latest = LATEST.fullmatch(reference)
        if latest is None:
            model_id = reference
            if not MODEL_ID.fullmatch(reference):
                model_id = self._aliases.read().get(reference, "")
                if not MODEL_ID.fullmatch(model_id):
                    raise NotFoundError(f"there is no model or alias {reference[:80]!r}")
            if not self._sees(model_id):
                raise NotFoundError(f"there is no model {reference[:80]!r}")
            return read(model_id)
        problem: StepboxError = NotFoundError(f"there is no model for {reference!r} yet")
        for model in self._index.best_first(self._owner):
            if model.dataset is not None and latest["dataset"] in (None, model.dataset):
                try:
                    return read(model.id)
                except (NotFoundError, DamagedModelError) as error:
                    problem = error
        raise problem
