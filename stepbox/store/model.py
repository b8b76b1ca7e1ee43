"""The objects of one model: its card, its weights, its initial weights, and its steps."""

import errno
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from pydantic import ValidationError

from stepbox.errors import DamagedModelError, StoreError
from stepbox.nn.network import Network
from stepbox.store.card import CARD, MOST_CARD_BYTES, Card, CardDraft, Versions
from stepbox.store.objects import ObjectStore
from stepbox.store.steps import STEPS, decode_steps, encode_steps
from stepbox.store.weights import INITIAL, WEIGHTS, check_size, decode_weights, encode_weights
from stepbox.training.step_record import StepRecord


def encode_model(
    draft: CardDraft, network: Network, initial: Network, steps: StepRecord | None = None
) -> tuple[Card, dict[str, bytes]]:
    """Complete a model's card and encode its files.

    Parameters
    ----------
    draft
        What the training knows about the model.
    network, initial
        The trained network, and the untrained one.
    steps
        The record of the training's steps; None if there is none.

    Returns
    -------
    tuple
        The complete card, and the content of each file by name; the card's file comes last.
    """
    weights, described = encode_weights(network)
    initial_weights, initial_described = encode_weights(initial)
    files = {WEIGHTS: weights, INITIAL: initial_weights}
    steps_described = None
    if steps is not None:
        files[STEPS], steps_described = encode_steps(steps)
    card = Card(
        **dict(draft),
        classes=draft.dataset.classes,
        parameters=network.parameters,
        weights=described,
        initial=initial_described,
        steps=steps_described,
        versions=Versions.here(torch=draft.recipe.engine == "torch"),
    )
    files[CARD] = card.model_dump_json(indent=1).encode()
    return card, files


def read_card(objects: ObjectStore, prefix: str, model_id: str | None = None) -> Card:
    """Read the card of the model under a prefix, without its weights.

    Raises
    ------
    DamagedModelError
        The card is damaged, or is the card of a model other than `model_id`.
    FileNotFoundError
        The card is missing.
    """
    with _damage_of(prefix, CARD):
        card = Card.model_validate_json(objects.get(f"{prefix}/{CARD}", MOST_CARD_BYTES))
        if model_id not in (None, card.id):
            raise DamagedModelError(f"it is the card of {card.id}")
        return card


def label_card(
    objects: ObjectStore,
    prefix: str,
    changes: Mapping[str, Any],
    before: Callable[[Card], None] = lambda card: None,
) -> None:
    """Change labels in the card of the model under a prefix.

    Fields that this version does not know stay in the card. `before` is called with the card before
    it is changed, and may raise to leave it as it is. Raises as `read_card` does.
    """
    key = f"{prefix}/{CARD}"

    def changed(content: bytes | None) -> bytes:
        if content is None:
            raise FileNotFoundError(errno.ENOENT, "the card is missing", key)
        card = Card.model_validate_json(content)
        before(card)
        if all(getattr(card, name) == value for name, value in changes.items()):
            return content
        fields = json.loads(content) | dict(changes)
        return json.dumps(fields, indent=1, ensure_ascii=False).encode()

    with _damage_of(prefix, CARD):
        objects.update(key, changed, MOST_CARD_BYTES)


def check_weights(objects: ObjectStore, prefix: str, card: Card) -> None:
    """Compare the size of the trained network's file with the card, without reading the file.

    Raises as `read_network` does.
    """
    with _damage_of(prefix, WEIGHTS):
        check_size(objects, f"{prefix}/{WEIGHTS}", card.weights, card.layers)


def read_network(
    objects: ObjectStore, prefix: str, card: Card, *, initial: bool = False
) -> Network:
    """Read the trained or the initial network of the model under a prefix.

    Returns
    -------
    Network
        Its arrays are read-only.

    Raises
    ------
    DamagedModelError
        The file is damaged, or differs from the card.
    FileNotFoundError
        The file is missing.
    """
    name, expected = (INITIAL, card.initial) if initial else (WEIGHTS, card.weights)
    key = f"{prefix}/{name}"
    with _damage_of(prefix, name):
        check_size(objects, key, expected, card.layers)
        return decode_weights(objects.get(key, expected.bytes), expected, card.layers)


def read_steps(objects: ObjectStore, prefix: str, card: Card) -> StepRecord:
    """Read the record of the training's steps of the model under a prefix, whose card has `steps`.

    Raises as `read_network` does.
    """
    assert card.steps is not None
    with _damage_of(prefix, STEPS):
        data = objects.get(f"{prefix}/{STEPS}", card.steps.bytes)
        return decode_steps(data, card.steps, card.layers)


@contextmanager
def writing() -> Iterator[None]:
    """Turn the error of a store that cannot be written into a StoreError."""
    try:
        yield
    except FileNotFoundError:
        raise
    except OSError as error:
        raise StoreError(f"the folder of models cannot be written: {error.strerror}") from error


@contextmanager
def _damage_of(model_id: str, name: str) -> Iterator[None]:
    """Add the model and the file to the description of damage."""
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
