"""The options of ``stepbox train``, derived from the fields of a request to train."""

from __future__ import annotations

import json
import re
from typing import Any

import click

from stepbox.training.request import TrainRequest

# What a value must be, by its JSON type.
MUST_BE = {
    "integer": "a whole number",
    "number": "a number",
    "string": "text",
    "array": "a list such as 32,16",
    "object": "a JSON object",
    "null": "null",
}


class FieldValue(click.ParamType[Any]):
    """Reads the value of a field, by its JSON schema.

    Numbers and text are written as they are, lists as ``32,16`` or as JSON, objects as JSON, and
    ``null`` stands for no value.
    """

    def __init__(self, schema: dict[str, Any]) -> None:
        choices = schema.get("anyOf") or schema.get("oneOf") or [schema]
        self._schemas = {choice.get("type", "object"): choice for choice in choices}
        self.name = " or ".join(kind for kind in self._schemas if kind != "null")

    def convert(
        self, value: Any, param: click.Parameter | None, context: click.Context | None
    ) -> Any:
        """Return the JSON value of a text."""
        if not isinstance(value, str):
            return value
        try:
            return self._read(value)
        except ValueError:
            kinds = " or ".join(MUST_BE[kind] for kind in self._schemas)
            self.fail(f"must be {kinds}, but is {value!r}", param, context)

    def _read(self, text: str) -> Any:
        kinds = self._schemas
        if text == "null" and "null" in kinds:
            return None
        if ("object" in kinds and text.startswith("{")) or text.startswith("["):
            return json.loads(text)
        if "array" in kinds:
            items = kinds["array"].get("items", {})
            item = FieldValue(items)
            return [item._read(part.strip()) for part in text.split(",") if part.strip()]
        if "integer" in kinds:
            return int(text)
        if "number" in kinds:
            return float(text)
        if "string" in kinds:
            return text
        raise ValueError("it must be JSON")


def recipe_options(command: click.Command) -> click.Command:
    """Add an option for each field of a request to train, except the recipe."""
    for name, schema in TrainRequest.model_json_schema()["properties"].items():
        if name != "recipe":
            command.params.append(_option(name, schema))
    return command


def recipe_names() -> list[str]:
    """List the named recipes."""
    names: list[str] = TrainRequest.model_json_schema()["properties"]["recipe"]["enum"]
    return names


def _option(name: str, schema: dict[str, Any]) -> click.Option:
    flag = name.replace("_", "-")
    text = _first_sentence(schema.get("description", ""))
    if schema.get("type") == "boolean":
        return click.Option([f"--{flag}/--no-{flag}", name], default=None, help=text)
    kind = click.Choice(schema["enum"]) if "enum" in schema else FieldValue(schema)
    return click.Option([f"--{flag}", name], type=kind, help=text)


def _first_sentence(text: str) -> str:
    return re.split(r"(?<=\.) |; ", text.replace("`", ""))[0]
