"""Read the files of single models, each once until it changes, and whatever they may hold."""

import errno
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from threading import BoundedSemaphore
from typing import Literal, TypeVar

from pydantic import ValidationError

from stepbox.errors import DamagedModelError, NotFoundError
from stepbox.nn.network import Network
from stepbox.store.card import MOST_CARD_BYTES, Card, StoredWeights
from stepbox.store.file_cache import FileCache
from stepbox.store.index import CARD
from stepbox.store.regular_files import read_regular
from stepbox.store.weights import check_size, read_weights

T = TypeVar("T")

WEIGHTS = "weights.safetensors"
INITIAL = "initial.safetensors"

# Three of the largest networks (65.3 MB) and their cards: asked for in turn, all stay.
CACHE_BYTES = 200_000_000
# Networks from this size on are read two at a time; each takes twice its size meanwhile.
LARGE_BYTES = 4_000_000
_large = BoundedSemaphore(2)


# Refusals that last until something about the files changes; others may pass by themselves.
LASTING = (errno.EACCES, errno.ELOOP)


class _UnreadableError(DamagedModelError):
    """The system did not read a file, which may pass: it is asked anew each time."""


class ModelFiles:
    """The files of the models in a folder, by ids, with caches.

    Of many threads that ask for the same thing one reads it. Damage, too, is found but once, until
    the file changes: each cache keeps what is wrong, in words, in place of the value.

    Parameters
    ----------
    folder
        Where the models lie.
    cache_bytes
        Size of the networks to keep in memory, with their cards.

    Notes
    -----
    Each method raises NotFoundError where there is no such model, and DamagedModelError where the
    files that it needs are missing, cannot be read or differ from the card.
    """

    def __init__(self, folder: Path, cache_bytes: int) -> None:
        self.folder = folder
        self._cards = FileCache[Card | str](50_000_000, _size_of)
        self._sizes = FileCache[Literal[True] | str](16_384)
        self._whole = FileCache[Literal[True] | str](16_384)
        self._networks = FileCache[tuple[Card, Network] | str](cache_bytes, _size_of)
        self._untrained = FileCache[Network | str](1_000_000, _size_of)

    def card(self, model_id: str) -> Card:
        """Return a model's card, its weights unseen."""

        def read() -> Card:
            with _damage_of(model_id, CARD):
                data = read_regular(f"{self.folder}/{model_id}/{CARD}", MOST_CARD_BYTES)
                card = Card.model_validate_json(data)
                if card.id != model_id:
                    raise DamagedModelError(f"it is that of {card.id}")
            return card

        return self._kept(self._cards, model_id, CARD, read)

    def whole_card(self, model_id: str) -> Card:
        """Return a model's card once its weights are compared with it."""
        card = self.card(model_id)

        def read() -> Literal[True]:
            self._read_network(card, WEIGHTS, card.weights)
            return True

        self._kept(self._whole, model_id, WEIGHTS, read)
        return card

    def check_size(self, model_id: str) -> None:
        """Compare a model's weights with its card by what is known without reading them."""

        def look() -> Literal[True]:
            card = self.card(model_id)
            with _damage_of(model_id, WEIGHTS):
                check_size(self.folder / model_id / WEIGHTS, card.weights, card.recipe)
            return True

        for cache in (self._whole, self._networks):
            known = cache.kept(model_id, self._paths(model_id, WEIGHTS))
            if known is not None:
                self._unless_damaged(model_id, known)
                return
        self._kept(self._sizes, model_id, WEIGHTS, look)

    def network(self, model_id: str) -> tuple[Card, Network]:
        """Return a model's card and network, its arrays read-only."""

        def read() -> tuple[Card, Network]:
            card = self.card(model_id)
            return card, self._read_network(card, WEIGHTS, card.weights)

        return self._kept(self._networks, model_id, WEIGHTS, read)

    def loaded(self, model_id: str) -> tuple[Card, Network] | None:
        """Return the same, but None where it has to be read."""
        found = self._networks.kept(model_id, self._paths(model_id, WEIGHTS))
        return None if found is None else self._unless_damaged(model_id, found)

    def initial(self, card: Card) -> Network:
        """Return a model's untrained network; it is not kept unless it is small."""

        def read() -> Network:
            return self._read_network(card, INITIAL, card.initial)

        return self._kept(self._untrained, card.id, INITIAL, read)

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
            except OSError as error:
                unreadable = f"model {model_id} cannot be read: {error.strerror}"
                if error.errno in LASTING:
                    return unreadable
                raise _UnreadableError(unreadable) from error
            except _UnreadableError:
                raise
            except DamagedModelError as error:
                return str(error)

        found = cache.get(model_id, self._paths(model_id, name), read_or_tell)
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
