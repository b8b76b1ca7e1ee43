"""Short form of the values that are stored often: a JSON array, without the field names."""

import json
from collections.abc import Iterable, Mapping
from itertools import zip_longest
from typing import Any, Literal

Kind = Literal["epoch", "frame", "loss", "progress", "value"]
NAMES: dict[Kind, tuple[str, ...]] = {
    "epoch": (
        "epoch",
        "train_loss",
        "test_loss",
        "test_accuracy",
        "seconds",
        "validation_loss",
        "validation_accuracy",
        "test_balanced_accuracy",
        "test_macro_f1",
        "test_top5_accuracy",
    ),
    "frame": (
        "step",
        "parameters",
        "train_loss",
        "train_accuracy",
        "test_loss",
        "test_accuracy",
    ),
    "loss": ("samples", "train_loss"),
    "progress": ("epoch", "epochs", "samples", "samples_total", "fraction", "eta_seconds"),
    "value": ("number", "epoch", "value"),  # of a trial, in the events of its sweep
}


def pack(kind: Kind, values: Mapping[str, Any]) -> str:
    """Write values as a JSON array; `unpack` returns every number unchanged."""
    return json.dumps([values[name] for name in NAMES[kind]], separators=(",", ":"))


def unpack(kind: Kind, texts: Iterable[str]) -> list[dict[str, Any]]:
    """Read values, in the short form or as the JSON objects that earlier versions wrote.

    New names are added at the end. Arrays of earlier versions are shorter: what they lack is None.
    Arrays of later versions are longer: what this version has no name for is left out.

    All texts are parsed in one call. One call for each text takes three times as long.
    """
    names = NAMES[kind]
    return [
        values if isinstance(values, dict) else dict(zip_longest(names, values[: len(names)]))
        for values in json.loads(f"[{','.join(texts)}]")
    ]
