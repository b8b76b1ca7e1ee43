"""Finished models, which many processes share.

    {id}/weights.safetensors    the trained network
    {id}/initial.safetensors    the same network, untrained
    {id}/card.json              the model's card, with the checksums of both files
    aliases.json                names that people gave to models
    .staged/{attempt}/          the same three files of a model that is not published yet

A model exists once its card exists: the card is written last and removed first. So wherever a
process is killed, a model exists completely or not at all, and `publish` can be repeated. The
files of a model never change. Everything else in the store is ignored.
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

# The computed references, each with the data set of its models; None means any.
LATEST: dict[str, DatasetName | None] = {
    "latest": None,
    **{f"latest-{name}": name for name in DATASETS},
}


def new_model_id() -> str:
    """Draw the id of a new model: ``m-`` and twelve hexadecimal digits."""
    return f"m-{secrets.token_hex(6)}"


class ListedModel(NamedTuple):
    """A model as a list shows it: its card, or None and what is wrong with its files."""

    id: str
    card: Card | None
    damage: str | None


class ModelStore:
    """The finished models in a store, with caches. Many threads and processes may use it at once.

    A reference to a model is its id, an alias, ``latest`` (the newest undamaged model that is
    better than guessing, or if there is none, the newest undamaged model), ``latest-mnist`` or
    ``latest-fashion-mnist`` (the same among the models of that data set). A reference becomes part
    of a key only if it has the form of an id.

    A finished training calls `stage`. Once it is decided that this attempt publishes the job's
    model, it calls `publish`. If the store cannot be written, for instance on a full disk, these
    two methods raise OSError. `delete`, `set_alias` and `remove_alias` raise StoreError.

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
        self._index = ModelIndex(self._objects)
        self._loader = ModelLoader(self._objects, self._index, cache_bytes)

    def ids(self) -> list[str]:
        """Return the ids of all models, newest first, including damaged ones."""
        return [model.id for model in self._index.newest_first()]

    def page(
        self, limit: int | None = None, after: str | None = None
    ) -> tuple[list[ListedModel], str | None]:
        """Return models, newest first. Their weights are compared with their cards.

        Parameters and cursor are those of `ModelIndex.page`.
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
        """Return the ids of all models, newest first, each with its known damage or None.

        The weights are not read. So damage that does not change the size of the file is known only
        after `card` or `load` has read the model.
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
        """Return the result of `load` if it is cached, else None; may raise as `card` does."""
        return self._find(reference, self._loader.loaded)

    def load_initial(self, reference: str) -> tuple[Card, Network]:
        """Return a model's card and its untrained network; raises as `card` does."""
        card = self.card(reference)
        return card, self._loader.initial(card)

    def open_weights(self, reference: str) -> tuple[Card, BinaryIO]:
        """Return a model's card and its weights file, open for reading; raises as `card` does."""
        card = self.card(reference)
        try:
            return card, self._objects.open(f"{card.id}/{WEIGHTS}")
        except FileNotFoundError as error:
            raise NotFoundError(f"model {reference!r} has just been deleted") from error

    def aliases(self) -> dict[str, str]:
        """Return all aliases, each with the id of its model."""
        return dict(self._aliases.read())

    def stage(self, attempt: str, draft: CardDraft, network: Network, initial: Network) -> Card:
        """Write all files of a model to a place where the model is not visible yet.

        They stay there until `publish`, `discard` or `sweep`.

        Parameters
        ----------
        attempt
            Name of the attempt at a job. Files that are already staged under it are replaced.
        draft
            What the training knows about the model.
        network, initial
            The finished network, and the untrained one.

        Returns
        -------
        Card
            The complete card.
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
        """Return whether an attempt's model is staged completely."""
        return self._loader.exists(_staged(attempt))

    def is_published(self, model_id: str) -> bool:
        """Return whether a model exists, whole or damaged."""
        return bool(MODEL_ID.fullmatch(model_id)) and self._loader.exists(model_id)

    def publish(self, attempt: str, model_id: str) -> None:
        """Make a staged model visible. If it is visible already, only remove the staged files.

        Parameters
        ----------
        attempt
            Name under which the model is staged.
        model_id
            The id in the model's draft.

        Raises
        ------
        NotFoundError
            The model is neither staged nor published.
        ConflictError
            Another model with that id exists.
        ValueError
            The name or the id has the wrong form.
        """
        staged = _staged(attempt)
        if not MODEL_ID.fullmatch(model_id):
            raise ValueError(f"{model_id!r} is not the id of a model")
        if self.is_published(model_id):
            self._check_same(staged, model_id)
        else:
            for name in (WEIGHTS, INITIAL, CARD):
                try:
                    self._objects.move(f"{staged}/{name}", f"{model_id}/{name}")
                except FileNotFoundError as error:  # another call has moved it
                    if name == CARD and not self.is_published(model_id):
                        raise NotFoundError(f"no model is staged as {attempt!r}") from error
        self._remove(staged)

    def discard(self, attempt: str) -> None:
        """Remove the files that are staged under an attempt's name, if there are any."""
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
        """Create an alias of a model, or move the alias from another model to this one.

        Parameters
        ----------
        name
            1 to 63 of ``a-z0-9._-``, the first a letter or digit. It must not begin with
            ``latest`` or have the form of an id.
        model_id
            Id of the model.

        Raises
        ------
        InvalidInputError
            The name cannot be an alias (``/name``), or the model does not exist (``/model``).
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
        """Remove an alias; raises NotFoundError if there is none, and StoreError as `delete`."""

        def remove(aliases: dict[str, str]) -> None:
            if aliases.pop(name, None) is None:
                raise NotFoundError(f"there is no alias {name[:80]!r}")

        self._update_aliases(remove)

    def sweep(self, age: float = 86_400) -> None:
        """Remove the incomplete models and staged files that killed processes have left.

        Parameters
        ----------
        age
            In seconds. Younger files stay, because they may still be published.
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
        """Read the model of a reference; for one in `LATEST`, the first that can be read."""
        if reference not in LATEST:
            model_id = reference
            if not MODEL_ID.fullmatch(reference):
                model_id = self._aliases.read().get(reference, "")
                if not MODEL_ID.fullmatch(model_id):
                    raise NotFoundError(f"there is no model or alias {reference[:80]!r}")
            return read(model_id)
        problem: StepboxError = NotFoundError(f"there is no model for {reference!r} yet")
        for model in self._index.best_first():
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
        """Raise ConflictError if a model is staged that differs from the published one."""
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
