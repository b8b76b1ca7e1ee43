"""One model as files: its card, its weights, and its untrained weights."""

from pathlib import Path

from pydantic import ValidationError

from stepbox.errors import DamagedModelError
from stepbox.nn.network import Network
from stepbox.store.card import CARD, MOST_CARD_BYTES, Card, CardDraft, DatasetReference, Versions
from stepbox.store.folder import FolderStore
from stepbox.store.weights import INITIAL, WEIGHTS, encode_weights, read_weights


def encode_model(
    draft: CardDraft, network: Network, initial: Network
) -> tuple[Card, dict[str, bytes]]:
    """Complete a model's card and encode its files.

    Parameters
    ----------
    draft
        What the training knows about the model.
    network, initial
        The trained network, and the untrained one.

    Returns
    -------
    tuple
        The complete card, and the content of each file by name; the card's file comes last.
    """
    weights, described = encode_weights(network)
    initial_weights, initial_described = encode_weights(initial)
    spec = draft.recipe.dataset_spec
    card = Card(
        **dict(draft),
        dataset=DatasetReference(name=spec.id, checksum=spec.checksum),
        classes=spec.classes,
        parameters=network.parameters,
        weights=described,
        initial=initial_described,
        versions=Versions.here(torch=draft.recipe.engine == "torch"),
    )
    content = card.model_dump_json(indent=1).encode()
    return card, {WEIGHTS: weights, INITIAL: initial_weights, CARD: content}


def read_model(folder: Path) -> tuple[Card, Network]:
    """Read a model's card and its network, whose arrays are read-only.

    Raises
    ------
    DamagedModelError
        A file is damaged, or differs from the card.
    FileNotFoundError
        A file is missing.
    """
    objects = FolderStore(folder)
    try:
        card = Card.model_validate_json(objects.get(CARD, MOST_CARD_BYTES))
    except ValidationError as error:
        raise DamagedModelError(f"{folder / CARD} is damaged: {error}") from error
    return card, read_weights(objects, WEIGHTS, card.weights, card.recipe)
