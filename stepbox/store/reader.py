"""Read the finished models in a folder of plain files that many processes share.

    {id}/weights.safetensors    the trained network
    {id}/initial.safetensors    the same one, untrained
    {id}/card.json              what it is, and the checksums of both
    aliases.json                names that people gave to models

A model comes and goes by one rename of its folder: it is there whole or not at all, for every
process at once, and its files never change. Whatever else lies in the folder is passed over.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from stepbox.data.builtin import DATASETS, DatasetName
from stepbox.errors import DamagedModelError, NotFoundError, StepboxError
from stepbox.nn.network import Network
from stepbox.store.aliases import Aliases
from stepbox.store.card import MODEL_ID, Card
from stepbox.store.files import CACHE_BYTES, WEIGHTS, ModelFiles
from stepbox.store.index import ModelIndex

T = TypeVar("T")

# The computed names, each with the data set that it asks for.
LATEST: dict[str, DatasetName | None] = {
    "latest": None,
    **{f"latest-{name}": name for name in DATASETS},
}


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
        self._files = ModelFiles(folder, cache_bytes)

    def ids(self) -> list[str]:
        """Return the ids of all models, newest first, damaged ones too."""
        return [model.id for model in self._index.newest_first()]

    def models(self) -> list[ListedModel]:
        """Return all models, newest first, their files compared with their cards."""
        return self._compared(self.ids())

    def page(self, limit: int, after: str | None = None) -> tuple[list[ListedModel], str | None]:
        """Return some models as `models` does, and the cursor for those that follow.

        Parameters and the cursor are those of `ModelIndex.page`.
        """
        found, cursor = self._index.page(limit, after)
        return self._compared(model.id for model in found), cursor

    def states(self) -> list[tuple[str, str | None]]:
        """Return the ids of all models, newest first, and what is known to be wrong with each.

        Their weights are not read for it: damage that does not change a file's size is known only
        once the model was asked for.
        """
        states: list[tuple[str, str | None]] = []
        for model_id in self.ids():
            try:
                self._files.check_size(model_id)
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
        return self._find(reference, self._files.whole_card)

    def load(self, reference: str) -> tuple[Card, Network]:
        """Return a model's card and network, its arrays read-only; raises as `card` does."""
        return self._find(reference, self._files.network)

    def loaded(self, reference: str) -> tuple[Card, Network] | None:
        """Return what `load` would, but None where that had to read it; raises as `card` does."""
        return self._find(reference, self._files.loaded)

    def load_initial(self, reference: str) -> tuple[Card, Network]:
        """Return a model's card and its untrained network; raises as `card` does."""
        card = self.card(reference)
        return card, self._files.initial(card)

    def weights_path(self, reference: str) -> tuple[Path, str]:
        """Return where a model's weights lie, and their SHA-256; raises as `card` does.

        A path that cannot be opened any more is that of a model deleted meanwhile.
        """
        card = self.card(reference)
        return self.folder / card.id / WEIGHTS, card.weights.sha256

    def aliases(self) -> dict[str, str]:
        """Return all aliases, each with the id of its model."""
        return dict(self._aliases.read())

    def _compared(self, ids: Iterable[str]) -> list[ListedModel]:
        listed = []
        for model_id in ids:
            card = damage = None
            try:
                card = self._files.card(model_id)
                self._files.whole_card(model_id)
            except NotFoundError:
                continue  # deleted meanwhile
            except DamagedModelError as error:
                damage = str(error)
            listed.append(ListedModel(model_id, card, damage))
        return listed

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
