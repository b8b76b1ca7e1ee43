"""Load the cards and networks of models, and cache them until their files change."""

from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from threading import BoundedSemaphore
from typing import Literal, TypeVar

from stepbox.errors import DamagedModelError, NotFoundError
from stepbox.nn.network import Network
from stepbox.store.cache import ObjectCache
from stepbox.store.card import CARD, Card
from stepbox.store.index import ModelIndex
from stepbox.store.model import check_weights, read_card, read_network, read_steps
from stepbox.store.objects import LASTING, ObjectStore
from stepbox.store.steps import STEPS
from stepbox.store.weights import INITIAL, WEIGHTS
from stepbox.training.step_record import StepRecord

T = TypeVar("T")

# Three of the largest networks (65.3 MB each) and their cards fit.
CACHE_BYTES = 200_000_000
STEPS_BYTES = 100_000_000  # two of the largest records (48.5 MB each)
# At most two networks of this size or larger are read at once: each needs twice its size then.
LARGE_BYTES = 4_000_000
_large = BoundedSemaphore(2)


class _UnreadableError(DamagedModelError):
    """A file could not be read. This may be temporary, so each request tries again."""


class ModelLoader:
    """The cards and networks of the models in a store, by id, with caches.

    If several threads request the same value, one of them reads it. If a file is damaged, the
    cache keeps a description of the damage instead of the value, until the file changes.

    Parameters
    ----------
    objects
        The store of the models.
    index
        The index of these models. It is told when a card is missing.
    cache_bytes
        Largest size of the cached networks and their cards, in bytes.

    Notes
    -----
    Each method raises NotFoundError if the model has no card, and DamagedModelError if the files
    that it needs are missing, cannot be read or differ from the card.
    """

    def __init__(self, objects: ObjectStore, index: ModelIndex, cache_bytes: int) -> None:
        self._objects = objects
        self._index = index
        self._cards = ObjectCache[Card | str](50_000_000, _size_of, objects)
        self._sizes = ObjectCache[Literal[True] | str](16_384, objects=objects)
        self._whole = ObjectCache[Literal[True] | str](16_384, objects=objects)
        self._networks = ObjectCache[tuple[Card, Network] | str](cache_bytes, _size_of, objects)
        self._untrained = ObjectCache[Network | str](1_000_000, _size_of, objects)
        self._steps = ObjectCache[StepRecord | str](STEPS_BYTES, _size_of, objects)

    def exists(self, prefix: str) -> bool:
        """Return whether there is a card, readable or not, under a prefix."""
        try:
            self._objects.size(f"{prefix}/{CARD}")
        except FileNotFoundError:
            return False
        except (OSError, DamagedModelError):
            pass
        return True

    def card(self, model_id: str) -> Card:
        """Return a model's card without reading its weights."""

        def read() -> Card:
            return read_card(self._objects, model_id, model_id)

        return self._cached(self._cards, model_id, CARD, read)

    def whole_card(self, model_id: str) -> Card:
        """Return a model's card after checking the weights against it."""
        card = self.card(model_id)

        def read() -> Literal[True]:
            self._read_network(card)
            return True

        self._cached(self._whole, model_id, WEIGHTS, read)
        return card

    def check_size(self, model_id: str) -> None:
        """Compare the size of a model's weights with its card, without reading them."""

        def look() -> Literal[True]:
            check_weights(self._objects, model_id, self.card(model_id))
            return True

        for cache in (self._whole, self._networks):
            known = cache.cached(model_id, _keys(model_id, WEIGHTS))
            if known is not None:
                self._unless_damaged(model_id, known)
                return
        self._cached(self._sizes, model_id, WEIGHTS, look)

    def network(self, model_id: str) -> tuple[Card, Network]:
        """Return a model's card and its network, whose arrays are read-only."""

        def read() -> tuple[Card, Network]:
            card = self.card(model_id)
            return card, self._read_network(card)

        return self._cached(self._networks, model_id, WEIGHTS, read)

    def initial(self, card: Card) -> Network:
        """Return a model's untrained network; only small ones are cached."""

        def read() -> Network:
            return self._read_network(card, initial=True)

        return self._cached(self._untrained, card.id, INITIAL, read)

    def steps(self, card: Card) -> StepRecord | None:
        """Return the record of the steps of a model's training; None if it has none."""

        def read() -> StepRecord:
            return read_steps(self._objects, card.id, card)

        return self._cached(self._steps, card.id, STEPS, read) if card.steps is not None else None

    def _read_network(self, card: Card, *, initial: bool = False) -> Network:
        with _large if card.weights.bytes >= LARGE_BYTES else nullcontext():
            return read_network(self._objects, card.id, card, initial=initial)

    def _cached(
        self, cache: ObjectCache[T | str], model_id: str, name: str, read: Callable[[], T]
    ) -> T:
        """Read a value from the card and the file `name`; cache it, or a description of damage."""

        def read_or_tell() -> T | str:
            try:
                return read()
            except FileNotFoundError as error:
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

        return self._unless_damaged(
            model_id, cache.get(model_id, _keys(model_id, name), read_or_tell)
        )

    def _unless_damaged(self, model_id: str, found: T | str) -> T:
        if isinstance(found, str):
            self._expect(model_id)
            raise DamagedModelError(found)
        return found

    def _expect(self, model_id: str) -> None:
        """Raise NotFoundError if there is no such model."""
        if not self.exists(model_id):
            self._index.doubt(model_id)
            raise NotFoundError(f"there is no model {model_id!r}")


def _keys(model_id: str, name: str) -> list[str]:
    return [f"{model_id}/{file}" for file in dict.fromkeys((CARD, name))]


def _size_of(value: Card | Network | StepRecord | tuple[Card, Network] | str) -> int:
    """Estimate the memory that a cached value takes, in bytes."""
    if isinstance(value, StepRecord):
        return sum(array.nbytes for array in value.arrays().values())
    if isinstance(value, tuple):
        return sum(_size_of(part) for part in value)
    if isinstance(value, Network):
        return sum(array.nbytes for array in value.named_arrays().values())
    if isinstance(value, Card):  # its size depends on the number of epochs and losses
        return 50_000 + 1_000 * len(value.history) + 550 * len(value.losses or ())
    return 1_000
