"""Finished models, which many processes share.

    {id}/weights.safetensors    the trained network
    {id}/initial.safetensors    the same one, untrained
    {id}/card.json              what it is, and the checksums of both
    aliases.json                names that people gave to models
    .staged/{attempt}/          the same three files of a model that may yet be published

A model is there once its card is: the card is written last and removed first. Wherever a process
is killed, a model is there whole or not at all, and `publish` can be repeated. The files of a
model never change. Everything else in the store is ignored.
"""

import re
import secrets
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, NamedTuple, TypeVar

from stepbox.data.builtin import DATASETS, DatasetName
from stepbox.errors import (
    ConflictError,
    DamagedModelError,
    Fault,
    InvalidInputError,
    NotFoundError,
    StepboxError,
    StoreError,
)
from stepbox.nn.network import Network
from stepbox.store.aliases import Aliases, alias_faults
from stepbox.store.card import CARD, MODEL_ID, MOST_CARD_BYTES, Card, CardDraft
from stepbox.store.index import ModelIndex
from stepbox.store.loader import CACHE_BYTES, ModelLoader
from stepbox.store.model import encode_model
from stepbox.store.objects import ObjectStore, object_store
from stepbox.store.weights import INITIAL, WEIGHTS

T = TypeVar("T")

ATTEMPT = re.compile("[A-Za-z0-9][A-Za-z0-9._-]{0,127}")

# The computed names, each with the data set that it asks for.
LATEST: dict[str, DatasetName | None] = {
    "latest": None,
    **{f"latest-{name}": name for name in DATASETS},
}


def new_model_id() -> str:
    """Draw the id of a model to be: ``m-`` and twelve hexadecimal digits."""
    return f"m-{secrets.token_hex(6)}"


class ListedModel(NamedTuple):
    """A model as a list shows it: its card, or None and what is wrong with its files."""

    id: str
    card: Card | None
    damage: str | None


class ModelStore:
    """The finished models in a store, with caches. Safe among threads and processes.

    A reference to a model is its id, an alias, or ``latest``, ``latest-mnist`` and
    ``latest-fashion-mnist``: the newest of those whose files are whole. No part of a reference
    becomes part of a key unless it has the form of an id.

    A finished training calls `stage` and, once it is known to be the one that may, `publish`. If
    nothing can be written, for instance on a full disk, a training gets OSError and a user
    StoreError.

    Parameters
    ----------
    place
        An object store, or a folder, which is created with the first model.
    cache_bytes
        Size of the networks to keep in memory, with their cards.
    """

    def __init__(self, place: ObjectStore | Path, cache_bytes: int = CACHE_BYTES) -> None:
        self._objects = object_store(place)
        self._aliases = Aliases(self._objects)
        self._index = ModelIndex(self._objects)
        self._loader = ModelLoader(self._objects, self._index, cache_bytes)

    def ids(self) -> list[str]:
        """Return the ids of all models, newest first, damaged ones too."""
        return [model.id for model in self._index.newest_first()]

    def page(
        self, limit: int | None = None, after: str | None = None
    ) -> tuple[list[ListedModel], str | None]:
        """Return models, newest first, after comparing their files with their cards.

        Parameters and the cursor are those of `ModelIndex.page`.
        """
        found, cursor = self._index.page(limit, after)
        listed = []
        for model in found:
            try:
                listed.append(ListedModel(model.id, self._loader.whole_card(model.id), None))
            except NotFoundError:
                continue  # deleted meanwhile
            except DamagedModelError as error:
                listed.append(ListedModel(model.id, None, str(error)))
        return listed, cursor

    def states(self) -> list[tuple[str, str | None]]:
        """Return the ids of all models, newest first, and what is known to be wrong with each.

        The weights are not read: damage that does not change a file's size is known only once
        the model was asked for.
        """
        states: list[tuple[str, str | None]] = []
        for model_id in self.ids():
            try:
                self._loader.check_size(model_id)
                states.append((model_id, None))
            except NotFoundError:
                continue  # deleted meanwhile
            except DamagedModelError as error:
                states.append((model_id, str(error)))
        return states

    def card(self, reference: str) -> Card:
        """Return the card of a model whose files are whole.

        Raises
        ------
        NotFoundError
            There is no such model or alias.
        DamagedModelError
            Files are missing, cannot be read or differ from the card.
        """
        return self._find(reference, self._loader.whole_card)

    def load(self, reference: str) -> tuple[Card, Network]:
        """Return a model's card and network, its arrays read-only; raises as `card` does."""
        return self._find(reference, self._loader.network)

    def loaded(self, reference: str) -> tuple[Card, Network] | None:
        """Return what `load` would, but None if it has to be read; raises as `card` does."""
        return self._find(reference, self._loader.loaded)

    def load_initial(self, reference: str) -> tuple[Card, Network]:
        """Return a model's card and its untrained network; raises as `card` does."""
        card = self.card(reference)
        return card, self._loader.initial(card)

    def open_weights(self, reference: str) -> tuple[Card, BinaryIO]:
        """Return a model's card and its file of weights, open; raises as `card` does."""
        card = self.card(reference)
        try:
            return card, self._objects.open(f"{card.id}/{WEIGHTS}")
        except FileNotFoundError as error:
            raise NotFoundError(f"model {reference!r} has just been deleted") from error

    def aliases(self) -> dict[str, str]:
        """Return all aliases, each with the id of its model."""
        return dict(self._aliases.read())

    def stage(self, attempt: str, draft: CardDraft, network: Network, initial: Network) -> Card:
        """Write all files of a model where nobody sees them as a model yet.

        Parameters
        ----------
        attempt
            Name of the attempt to finish a job. What an earlier call staged under it is replaced.
        draft
            What its training knows about the model.
        network, initial
            The finished network, and the untrained one.

        Returns
        -------
        Card
            The whole card. All files stay in the store until `publish`, `discard` or `sweep`.
        """
        card, files = encode_model(draft, network, initial)
        staged = _staged(attempt)
        self._remove(staged)
        try:
            for name, content in files.items():
                self._objects.put(f"{staged}/{name}", content)
        except BaseException:
            self._remove(staged)
            raise
        return card

    def is_staged(self, attempt: str) -> bool:
        """Tell whether an attempt's model is staged, and only has to be published."""
        return self._loader.exists(_staged(attempt))

    def is_published(self, model_id: str) -> bool:
        """Tell whether a model is there, whole or damaged."""
        return bool(MODEL_ID.fullmatch(model_id)) and self._loader.exists(model_id)

    def publish(self, attempt: str, model_id: str) -> None:
        """Make a staged model visible; do nothing if it already is.

        Parameters
        ----------
        attempt
            Name under which it is staged.
        model_id
            The id in its draft.

        Raises
        ------
        NotFoundError
            It is neither staged nor published.
        ConflictError
            Another model with that id is there.
        """
        staged = _staged(attempt)
        if not MODEL_ID.fullmatch(model_id):
            raise ValueError(f"{model_id!r} is no id of a model")
        if self.is_published(model_id):
            self._check_same(staged, model_id)
        else:
            for name in (WEIGHTS, INITIAL, CARD):
                try:
                    self._objects.move(f"{staged}/{name}", f"{model_id}/{name}")
                except FileNotFoundError as error:  # moved before a kill, or by another process
                    if name == CARD and not self.is_published(model_id):
                        raise NotFoundError(f"no model is staged as {attempt!r}") from error
        self._remove(staged)

    def discard(self, attempt: str) -> None:
        """Remove what is staged under an attempt's name, if anything is."""
        self._remove(_staged(attempt))

    def delete(self, model_id: str) -> None:
        """Remove a model.

        Raises
        ------
        NotFoundError
            There is no model of that id.
        ConflictError
            It has aliases.
        StoreError
            The store cannot be written.
        """

        def remove(aliases: dict[str, str]) -> None:
            names = sorted(name for name, target in aliases.items() if target == model_id)
            if names:
                raise ConflictError(
                    f"model {model_id} has the alias {', '.join(names)}: remove that first"
                )
            self._expect(model_id)
            self._remove(model_id)

        self._expect(model_id)
        self._update_aliases(remove)

    def set_alias(self, name: str, model_id: str) -> None:
        """Let a name stand for a model, whatever it stood for before.

        Parameters
        ----------
        name
            1 to 63 of ``a-z0-9._-``, the first a letter or digit; not ``latest…``, and not of an
            id's form.
        model_id
            Id of the model.

        Raises
        ------
        InvalidInputError
            At ``/name`` or ``/model``.
        StoreError
            The store cannot be written.
        """

        def set_name(aliases: dict[str, str]) -> None:
            faults = alias_faults(name)
            if not self.is_published(model_id):
                faults.append(Fault("/model", "must be the id of a model that exists"))
            if faults:
                raise InvalidInputError(faults)
            aliases[name] = model_id

        self._update_aliases(set_name)

    def remove_alias(self, name: str) -> None:
        """Remove an alias; raises NotFoundError if there is none, StoreError as `delete`."""

        def remove(aliases: dict[str, str]) -> None:
            if aliases.pop(name, None) is None:
                raise NotFoundError(f"there is no alias {name[:80]!r}")

        self._update_aliases(remove)

    def sweep(self, age: float = 86_400) -> None:
        """Remove what killed processes have left.

        Parameters
        ----------
        age
            In seconds. What is younger stays: it may yet be published.
        """
        # Version 0.1 moved models that it deleted to `.trash`.
        left = [
            f"{top}/{name}" for top in (".staged", ".trash") for name in self._objects.names(top)
        ]
        left += [name for name in self._objects.names() if MODEL_ID.fullmatch(name)]
        for prefix, version in zip(left, self._objects.versions(left), strict=True):
            old = version is not None and time.time() - version[2] / 1e9 > age
            if old and not self.is_published(prefix):
                self._remove(prefix)

    def _find(self, reference: str, read: Callable[[str], T]) -> T:
        """Read the model that is meant, of several the newest that can be read."""
        if reference not in LATEST:
            model_id = reference
            if not MODEL_ID.fullmatch(reference):
                model_id = self._aliases.read().get(reference, "")
                if not MODEL_ID.fullmatch(model_id):
                    raise NotFoundError(f"there is no model or alias {reference[:80]!r}")
            return read(model_id)
        problem: StepboxError = NotFoundError(f"there is no model for {reference!r} yet")
        for model in self._index.newest_first():
            if model.dataset is not None and LATEST[reference] in (None, model.dataset):
                try:
                    return read(model.id)
                except (NotFoundError, DamagedModelError) as error:
                    problem = error
        raise problem

    def _expect(self, model_id: str) -> None:
        if not self.is_published(model_id):
            raise NotFoundError(f"there is no model {model_id[:80]!r}")

    def _check_same(self, staged: str, model_id: str) -> None:
        """Raise ConflictError if another model than the published one is staged."""
        with suppress(FileNotFoundError):
            if self._objects.get(f"{staged}/{CARD}", MOST_CARD_BYTES) != self._objects.get(
                f"{model_id}/{CARD}", MOST_CARD_BYTES
            ):
                raise ConflictError(f"there is another model {model_id!r}")

    def _update_aliases(self, change: Callable[[dict[str, str]], None]) -> None:
        try:
            self._aliases.update(change)
        except OSError as error:
            raise StoreError(f"the folder of models cannot be written: {error.strerror}") from error

    def _remove(self, prefix: str) -> None:
        """Remove the files of a model, its card first."""
        self._objects.delete(f"{prefix}/{CARD}")
        self._objects.delete_all(prefix)


def _staged(attempt: str) -> str:
    """Return the prefix under which an attempt's model is staged."""
    if not ATTEMPT.fullmatch(attempt):
        raise ValueError(f"{attempt!r} cannot name an attempt")
    return f".staged/{attempt}"
