"""Read the finished models in a folder of plain files that many processes share.

    {id}/weights.safetensors    the trained network
    {id}/initial.safetensors    the same one, untrained
    {id}/card.json              what it is, and the checksums of both
    aliases.json                names that people gave to models

A model comes and goes by one rename of its folder: it is there whole or not at all, for every
process at once, and its files never change. Whatever else lies in the folder is passed over.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from threading import BoundedSemaphore
from typing import Literal, TypeVar, get_args

from pydantic import ValidationError

from stepbox.aliases import Aliases
from stepbox.card import MODEL_ID, MOST_CARD_BYTES, Card, StoredWeights
from stepbox.errors import DamagedModelError, NotFoundError, StepboxError
from stepbox.file_cache import FileCache
from stepbox.model_index import CARD, ModelIndex
from stepbox.network import Network
from stepbox.recipe import DatasetName
from stepbox.regular_files import read_regular
from stepbox.weights_file import read_weights

T = TypeVar("T")

WEIGHTS = "weights.safetensors"
INITIAL = "initial.safetensors"

# The computed names, each with the data set that it asks for.
LATEST: dict[str, DatasetName | None] = {
    "latest": None,
    **{f"latest-{name}": name for name in get_args(DatasetName)},
}

# Three of the largest networks (65.3 MB) and their cards: asked for in turn, all stay.
CACHE_BYTES = 200_000_000
# Networks from this size on are read two at a time; each takes twice its size meanwhile.
LARGE_BYTES = 4_000_000
_large = BoundedSemaphore(2)


@dataclass(frozen=True)
class ListedModel:
    """A model as a list shows it.

    Attributes
    ----------
    id
        Its id.
    card
        Its card; None where that cannot be read.
    damage
        What is wrong with its files, in words; None where they are whole.
    """

    id: str
    card: Card | None
    damage: str | None


class _UnreadableError(DamagedModelError):
    """The system refused to read a file, which may pass: it is tried anew each time."""


class ModelReader:
    """The reading half of a `ModelStore`, with its caches.

    A reference to a model is its id, an alias, or ``latest``, ``latest-mnist`` and
    ``latest-fashion-mnist``: the newest of those whose files are whole. No part of a reference
    gets into a path unless it has the form of an id. Safe among threads and processes.

    Parameters
    ----------
    folder
        Where the models lie; it may be missing.
    cache_bytes
        Size of the networks to keep in memory, with their cards.
    """

    def __init__(self, folder: Path, cache_bytes: int = CACHE_BYTES) -> None:
        self.folder = folder
        self._aliases = Aliases(folder)
        self._index = ModelIndex(folder)
        # Of a damaged model each keeps what is wrong with it, in words.
        self._cards = FileCache[Card | str](50_000_000, _size_of)
        self._whole = FileCache[Literal[True] | str](16_384)
        self._networks = FileCache[tuple[Card, Network] | str](cache_bytes, _size_of)
        self._untrained = FileCache[Network | str](1_000_000, _size_of)

    def ids(self) -> list[str]:
        """Return the ids of all models, newest first, damaged ones too."""
        return [model.id for model in self._index.newest_first()]

    def models(self) -> list[ListedModel]:
        """Return all models, newest first, their files compared with their cards."""
        listed = []
        for model_id in self.ids():
            card = damage = None
            try:
                card = self._card(model_id)
                self._check(card)
            except NotFoundError:
                continue  # deleted meanwhile
            except DamagedModelError as error:
                damage = str(error)
            listed.append(ListedModel(model_id, card, damage))
        return listed

    def card(self, reference: str) -> Card:
        """Return the card of a model whose files are whole.

        Raises
        ------
        NotFoundError
            There is no such model or alias.
        DamagedModelError
            Files are missing, cannot be read or differ from the card.
        """
        return self._find(reference, self._whole_card)

    def load(self, reference: str) -> tuple[Card, Network]:
        """Return a model's card and network, its arrays read-only; raises as `card` does."""
        return self._find(reference, self._whole_model)

    def loaded(self, reference: str) -> tuple[Card, Network] | None:
        """Return what `load` would, but None where that had to read it; raises as `card` does."""
        return self._find(reference, self._loaded_model)

    def load_initial(self, reference: str) -> tuple[Card, Network]:
        """Return a model's card and its untrained network; raises as `card` does."""
        card = self.card(reference)

        def read() -> Network:
            return self._read_network(card, INITIAL, card.initial)

        return card, self._kept(self._untrained, card.id, INITIAL, read)

    def weights_path(self, reference: str) -> tuple[Path, str]:
        """Return where a model's weights lie, and their SHA-256; raises as `card` does.

        A path that cannot be opened any more is that of a model deleted meanwhile.
        """
        card = self.card(reference)
        return self.folder / card.id / WEIGHTS, card.weights.sha256

    def aliases(self) -> dict[str, str]:
        """Return all aliases, each with the id of its model."""
        return dict(self._aliases.read())

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

    def _whole_card(self, model_id: str) -> Card:
        card = self._card(model_id)
        self._check(card)
        return card

    def _whole_model(self, model_id: str) -> tuple[Card, Network]:
        def read() -> tuple[Card, Network]:
            card = self._card(model_id)
            return card, self._read_network(card, WEIGHTS, card.weights)

        return self._kept(self._networks, model_id, WEIGHTS, read)

    def _loaded_model(self, model_id: str) -> tuple[Card, Network] | None:
        found = self._networks.kept(model_id, self._paths(model_id, WEIGHTS))
        return None if found is None else self._unless_damaged(model_id, found)

    def _card(self, model_id: str) -> Card:
        def read() -> Card:
            with _damage_of(model_id, CARD):
                data = read_regular(f"{self.folder}/{model_id}/{CARD}", MOST_CARD_BYTES)
                card = Card.model_validate_json(data)
                if card.id != model_id:
                    raise DamagedModelError(f"it is that of {card.id}")
            return card

        return self._kept(self._cards, model_id, CARD, read)

    def _check(self, card: Card) -> None:
        def read() -> Literal[True]:
            self._read_network(card, WEIGHTS, card.weights)
            return True

        self._kept(self._whole, card.id, WEIGHTS, read)

    def _read_network(self, card: Card, name: str, expected: StoredWeights) -> Network:
        turn = _large if expected.bytes >= LARGE_BYTES else nullcontext()
        with _damage_of(card.id, name), turn:
            return read_weights(self.folder / card.id / name, expected, card.recipe)

    def _paths(self, model_id: str, name: str) -> list[str]:
        return [f"{self.folder}/{model_id}/{file}" for file in dict.fromkeys((CARD, name))]

    def _kept(
        self, cache: FileCache[T | str], model_id: str, name: str, read: Callable[[], T]
    ) -> T:
        """Read something of a model's card and another file; damage, too, is found but once."""

        def read_or_tell() -> T | str:
            try:
                return read()
            except (FileNotFoundError, NotADirectoryError) as error:
                self._expect(model_id)
                return f"model {model_id} is damaged: {Path(error.filename).name} is missing"
            except _UnreadableError:
                raise
            except DamagedModelError as error:
                return str(error)

        try:
            found = cache.get(model_id, self._paths(model_id, name), read_or_tell)
        except OSError as error:
            raise _UnreadableError(f"model {model_id} cannot be read: {error.strerror}") from error
        return self._unless_damaged(model_id, found)

    def _unless_damaged(self, model_id: str, found: T | str) -> T:
        if isinstance(found, str):
            self._expect(model_id)
            raise DamagedModelError(found)
        return found

    def _expect(self, model_id: str) -> None:
        """Raise NotFoundError where a model is not there; one that lacks files is."""
        if not (self.folder / model_id).is_dir():
            raise NotFoundError(f"there is no model {model_id!r}")


@contextmanager
def _damage_of(model_id: str, name: str) -> Iterator[None]:
    """Say of which file of which model the damage is."""
    try:
        yield
    except ValidationError as error:
        [fault, *more] = error.errors(include_url=False, include_input=False)
        place = ".".join(map(str, fault["loc"]))
        others = f" ({len(more)} more faults)" if more else ""
        damage = f"{place}: {fault['msg']}{others}" if place else fault["msg"]
        raise DamagedModelError(f"model {model_id} is damaged: {name}: {damage}") from error
    except DamagedModelError as error:
        raise DamagedModelError(f"model {model_id} is damaged: {name}: {error}") from error


def _size_of(value: Card | Network | tuple[Card, Network] | str) -> int:
    """Tell about how many bytes something of a model takes."""
    if isinstance(value, tuple):
        return sum(_size_of(part) for part in value)
    if isinstance(value, Network):
        return sum(array.nbytes for array in value.named_arrays().values())
    if isinstance(value, Card):  # those of long trainings are the large ones
        return 50_000 + 1_000 * len(value.history)
    return 1_000
