"""Compare a training that was run again with the model that its recipe made before."""

from typing import Any

from pydantic import Field

from stepbox.data.dataset import DatasetSpec
from stepbox.nn.network import Network
from stepbox.store.card import Card, Versions
from stepbox.store.weights import encode_weights
from stepbox.training.computer import ComputerReport
from stepbox.training.report import Report

UNKNOWN = "unknown"


class Difference(Report):
    """Something that was not the same in the two trainings."""

    what: str = Field(
        description="`device`, a field of `computer` or `versions` in the card, or "
        "`dataset_checksum`."
    )
    before: str = Field(description="What the card says, or `unknown` if it says nothing.")
    now: str = Field(description="What it was this time, or `unknown`.")


class Reproduction(Report):
    """Whether a training has made the same weights again."""

    same: bool = Field(description="Whether the files of the weights are the same, byte for byte.")
    sha256: str = Field(description="SHA-256 of the new file of the weights.")
    differs: tuple[Difference, ...] = Field(
        description="What is known to differ from the training of the model. It can be empty "
        "although the weights differ, and the other way round."
    )


def compare(
    card: Card, network: Network, dataset: DatasetSpec, device: str, computer: ComputerReport | None
) -> Reproduction:
    """Compare a new network with the card of the model that the same recipe made before.

    Parameters
    ----------
    card
        The card of the model.
    network
        The network that was trained now, in this process.
    dataset, device, computer
        What it was trained on.
    """
    before = _circumstances(card.dataset, card.device, card.computer, card.versions)
    versions = Versions.here(torch=card.recipe.engine == "torch")
    now = _circumstances(dataset, device, computer, versions)
    _, weights = encode_weights(network)
    return Reproduction(
        same=weights.sha256 == card.weights.sha256,
        sha256=weights.sha256,
        differs=tuple(
            Difference(what=what, before=before.get(what, UNKNOWN), now=now.get(what, UNKNOWN))
            for what in {**before, **now}
            if before.get(what) != now.get(what)
        ),
    )


def _circumstances(
    dataset: DatasetSpec, device: str, computer: ComputerReport | None, versions: Versions
) -> dict[str, str]:
    """Return everything on which the last bits of the weights may depend, if it is known."""
    found: dict[str, Any] = {
        "device": device,
        **(computer.model_dump() if computer else {}),
        **versions.model_dump(),
        "dataset_checksum": dataset.checksum,
    }
    return {what: str(value) for what, value in found.items() if value is not None}
