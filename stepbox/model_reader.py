"""Read the finished models in a folder of plain files that many processes share.

    {id}/weights.safetensors    the trained network
    {id}/initial.safetensors    the same one, untrained
    {id}/card.json              what it is, and the checksums of both
    aliases.json                names that people gave to models

A model comes and goes by one rename of its folder: it is there whole or not at all, for every
process at once, and its files never change. Whatever else lies in the folder is passed over.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple, TypeVar, get_args

from pydantic import ValidationError

from stepbox.aliases import Aliases
from stepbox.card import MODEL_ID, Card, StoredWeights
from stepbox.errors import DamagedModelError, NotFoundError, StepboxError
from stepbox.file_cache import FileCache
from stepbox.network import Network
from stepbox.recipe import DatasetName
from stepbox.weights_file import decode_weights

T = TypeVar("T")

CARD = "card.json"
WEIGHTS = "weights.safetensors"
INITIAL = "initial.safetensors"

# The computed names, each with the data set that it asks for.
LATEST: dict[str, DatasetName | None] = {
    "latest": None,
    **{f"latest-{name}": name for name in get_args(DatasetName)},
}

_UNKNOWN = datetime.min.replace(tzinfo=UTC)


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


class _Indexed(NamedTuple):
    created_at: datetime
    id: str
    dataset: DatasetName | None  # None where the card cannot be read


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

    def __init__(self, folder: Path, cache_bytes: int = 128 * 2**20) -> None:
        self.folder = folder
        self._aliases = Aliases(folder)
        # Without one of the cards it is not kept: that may come with no change of the folder.
        self._index = FileCache[list[_Indexed]](
            1, lambda models: 2 if any(model.dataset is None for model in models) else 1
        )
        self._cards = FileCache[Card](50_000_000, _size_of)
        self._damage = FileCache[str | None](4096)
        self._networks = FileCache[tuple[Card, Network]](
            cache_bytes,
            lambda model: (
                _size_of(model[0]) + sum(array.nbytes for array in model[1].named_arrays().values())
            ),
        )

    def ids(self) -> list[str]:
        """Return the ids of all models, newest first, damaged ones too."""
        return [model.id for model in self._indexed()]

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

    def load_initial(self, reference: str) -> tuple[Card, Network]:
        """Return a model's card and its untrained network; raises as `card` does."""
        card = self.card(reference)
        return card, self._read_network(card, INITIAL, card.initial)

    def weights_path(self, reference: str) -> tuple[Path, str]:
        """Return where a model's weights lie, and their SHA-256; raises as `card` does.

        A path that cannot be opened any more is that of a model deleted meanwhile.
        """
        card = self.card(reference)
        return self.folder / card.id / WEIGHTS, card.weights.sha256

    def aliases(self) -> dict[str, str]:
        """Return all aliases, each with the id of its model."""
        return dict(self._aliases.read())

    def _indexed(self) -> list[_Indexed]:
        return self._index.get("", [str(self.folder)], self._scan)

    def _scan(self) -> list[_Indexed]:
        names = [path.name for path in self.folder.iterdir()] if self.folder.is_dir() else []
        models = []
        for model_id in filter(MODEL_ID.fullmatch, names):
            try:
                card = self._card(model_id)
                models.append(_Indexed(card.created_at, model_id, card.recipe.dataset))
            except NotFoundError:
                continue  # deleted meanwhile
            except DamagedModelError:
                models.append(_Indexed(_UNKNOWN, model_id, None))
        return sorted(models, reverse=True)

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
        for model in self._indexed():
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

        try:
            return self._networks.get(model_id, self._files(model_id), read)
        except OSError as error:
            raise DamagedModelError(_unreadable(model_id, error)) from error

    def _card(self, model_id: str) -> Card:
        path = f"{self.folder}/{model_id}/{CARD}"

        def read() -> Card:
            card = Card.model_validate_json(Path(path).read_bytes())
            if card.id != model_id:
                raise DamagedModelError(f"model {model_id} is damaged: its card is of {card.id}")
            return card

        try:
            return self._cards.get(model_id, [path], read)
        except (FileNotFoundError, NotADirectoryError) as error:
            raise self._missing(model_id, CARD) from error
        except OSError as error:
            raise DamagedModelError(_unreadable(model_id, error)) from error
        except ValidationError as error:
            raise DamagedModelError(
                f"model {model_id} is damaged: {CARD} is no card ({error.error_count()} faults)"
            ) from error

    def _check(self, card: Card) -> None:
        def damage() -> str | None:
            try:
                self._read_network(card, WEIGHTS, card.weights)
            except DamagedModelError as error:
                return str(error)
            return None

        try:
            found = self._damage.get(card.id, self._files(card.id), damage)
        except OSError as error:  # which may pass, and so was not kept
            found = _unreadable(card.id, error)
        if found:
            raise DamagedModelError(found)

    def _read_network(self, card: Card, name: str, expected: StoredWeights) -> Network:
        try:
            with (self.folder / card.id / name).open("rb") as file:
                data = file.read(expected.bytes + 1)
            return decode_weights(data, expected, card.recipe)
        except (FileNotFoundError, NotADirectoryError) as error:
            raise self._missing(card.id, name) from error
        except DamagedModelError as error:
            raise DamagedModelError(f"model {card.id} is damaged: {name}: {error}") from error

    def _missing(self, model_id: str, name: str) -> StepboxError:
        """Tell a model that is not there from one that lacks a file."""
        if (self.folder / model_id).is_dir():
            return DamagedModelError(f"model {model_id} is damaged: {name} is missing")
        return NotFoundError(f"there is no model {model_id!r}")

    def _files(self, model_id: str) -> list[str]:
        return [f"{self.folder}/{model_id}/{name}" for name in (CARD, WEIGHTS)]


def _size_of(card: Card) -> int:
    """Tell about how many bytes a card takes; those of long trainings are the large ones."""
    return 50_000 + 1_000 * len(card.history)


def _unreadable(model_id: str, error: OSError) -> str:
    return f"model {model_id} cannot be read: {error.strerror}"
