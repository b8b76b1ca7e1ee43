"""The fields of the training form, from the JSON schema of a request to train."""

import re
from collections.abc import Mapping
from typing import Any, NamedTuple, get_args

from stepbox.allowed import Schema, choices_of, instruction, range_of, without_null
from stepbox.training.layer_options import HiddenLayer
from stepbox.training.recipe import Recipe
from stepbox.training.request import TrainRequest

LABELS = {  # recipes.js has them too
    "hidden_sizes": "Hidden layers",
    "layers": "Layers",
    "dataset": "Data set",
}

HELP = {  # where a description is about JSON
    "hidden_sizes": "Neurons of each hidden layer, starting at the input; empty for a single "
    "softmax layer.",
}


class Limits(NamedTuple):
    """The limits of a number, or of each number of a list."""

    low: float
    high: float
    above: bool  # the lowest value itself is not allowed
    whole: bool
    instruction: str  # what to enter


class FormField(NamedTuple):
    """A field of the training form."""

    name: str
    label: str
    kind: str  # of the value in JSON: number, numbers (a list), layers, boolean or string
    choices: dict[str, str]  # the words for each value
    allowed: str
    limits: Limits | None  # of numbers
    help: str
    nullable: bool  # an empty field is null


def layer_types() -> dict[str, dict[str, Any]]:
    """Return the options of each type of hidden layer by name: limits, default and description."""
    types = {}
    for kind in get_args(get_args(HiddenLayer)[0]):
        properties = kind.model_json_schema()["properties"]
        name_of_type = properties.pop("type")["const"]
        types[name_of_type] = {
            name: {
                "limits": _limits(schema)._asdict(),
                "default": schema.get("default"),
                "help": schema["description"],
            }
            for name, schema in properties.items()
        }
    return types


def form_fields(datasets: Mapping[str, str]) -> list[FormField]:
    """Return the fields of a recipe, with the ranges and descriptions of `TrainRequest`.

    `datasets` has the titles of the data sets to choose from, by their keys in recipes.
    """
    properties: dict[str, dict[str, Any]] = TrainRequest.model_json_schema()["properties"]
    fields = [_field(name, properties[name]) for name in Recipe.model_fields if name in properties]
    return [
        field._replace(choices=dict(datasets), allowed="") if field.name == "dataset" else field
        for field in fields
    ]


def _field(name: str, schema: Schema) -> FormField:
    description = schema.get("description", "")
    schema = without_null(schema)
    kinds = {"integer": "number", "number": "number", "boolean": "boolean", "array": "numbers"}
    kind = kinds.get(schema.get("type", ""), "string")
    if "discriminator" in schema.get("items", {}):
        kind = "layers"
    limits = range_of(schema).capitalize()
    if kind == "numbers":
        count, each = schema.get("maxItems"), range_of(schema.get("items", {}))
        limits = f"Up to {count} numbers from {each}, separated by commas" if count else each
    return FormField(
        name=name,
        label=_label(name),
        kind=kind,
        choices={value: _choice_words(value) for value in choices_of(schema)},
        allowed=limits,
        limits=_limits(schema["items"] if kind == "numbers" else schema)
        if kind in ("number", "numbers")
        else None,
        help=HELP.get(name) or re.sub("`([^`]*)`", _plain, description),
        nullable=Recipe.model_fields[name].default is None,
    )


def _label(name: str) -> str:
    return LABELS.get(name, name.replace("_", " ").capitalize())


def _plain(code: re.Match[str]) -> str:
    """Return a word in code font as plain text, and a field by its name on the page."""
    word = code[1]
    return _label(word).lower() if word in Recipe.model_fields else word


def _choice_words(value: str) -> str:
    """Return what the form calls a value."""
    return {"true": "on", "false": "off"}.get(value, value)


def _limits(schema: Schema) -> Limits:
    above = "exclusiveMinimum" in schema
    return Limits(
        low=schema["exclusiveMinimum" if above else "minimum"],
        high=schema["maximum"],
        above=above,
        whole=schema["type"] == "integer",
        instruction=instruction(schema) or "",
    )
