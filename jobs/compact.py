"""The short form of what is stored often: a JSON array of the values, without their names."""

import json
from collections.abc import Mapping
from typing import Any, Literal

Kind = Literal["epoch", "progress"]
NAMES: dict[Kind, tuple[str, ...]] = {
    "epoch": ("epoch", "train_loss", "test_loss", "test_accuracy", "seconds"),
    "progress": ("epoch", "epochs", "samples", "samples_total", "fraction", "eta_seconds"),
}


def pack(kind: Kind, values: Mapping[str, Any]) -> str:
    """Write values; each number comes back exactly as it was."""
    return json.dumps([values[name] for name in NAMES[kind]], separators=(",", ":"))


def unpack(kind: Kind, text: str) -> dict[str, Any]:
    """Read values, from the short form or from the object that earlier versions wrote."""
    values: list[Any] | dict[str, Any] = json.loads(text)
    if isinstance(values, dict):
        return values
    return dict(zip(NAMES[kind], values, strict=True))
