"""Say in plain words which values a JSON schema allows, for errors, forms and the API page."""

import json
import re
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from pydantic import BaseModel

from stepbox.errors import INVALID_FIELD

Schema = Mapping[str, Any]

# Kinds of faults that pydantic finds where a number is expected, and in numbers.
NOT_A_NUMBER = {"float_parsing", "float_type", "int_parsing", "int_type"}
DECIMAL_COMMA = re.compile(r"\s*([+-]?\d+),(\d+)\s*")

# One value of a type, and several.
NOUNS = {
    "integer": ("a whole number", "whole numbers"),
    "number": ("a number", "numbers"),
    "string": ("a text", "texts"),
    "object": ("an object", "objects"),
    "array": ("a list", "lists"),
}


def fault_words(fault: Mapping[str, Any], schema: Schema) -> str:
    """Say what is wrong with a value, and what is allowed there.

    Parameters
    ----------
    fault
        One of the errors that pydantic found.
    schema
        Of the value, see `schema_at`.
    """
    kind = fault["type"]
    if kind == INVALID_FIELD:
        return str(fault["msg"])
    if kind == "extra_forbidden":
        return f"Unknown name {str(fault['loc'][-1])!r}"
    wanted = instruction(schema)
    given = fault["input"]
    if (
        kind in NOT_A_NUMBER
        and isinstance(given, str)
        and (comma := DECIMAL_COMMA.fullmatch(given))
    ):
        if kind.startswith("float"):
            return f"Use a decimal point: {comma[1]}.{comma[2]}"
        return f"{wanted or 'Enter a whole number'}, without a comma"
    if kind == "missing":
        return f"This field is required. {wanted}" if wanted else "This field is required"
    return wanted or str(fault["msg"])


def model_fault_words(model: type[BaseModel], fault: Mapping[str, Any]) -> str:
    """Say what is wrong with a value in a model, as `fault_words` does."""
    schema = _schema_of(model)
    return fault_words(fault, schema_at(schema, fault["loc"], schema.get("$defs", {})))


@cache
def _schema_of(model: type[BaseModel]) -> Schema:
    return model.model_json_schema()


def schema_at(schema: Schema, path: Sequence[int | str], schemas: Mapping[str, Schema]) -> Schema:
    """Return the schema of a value inside another; an empty one if it is not known.

    Parameters
    ----------
    schema
        Of the outer value.
    path
        The names and places that lead to the inner one.
    schemas
        What the schemas refer to, by name.
    """
    for part in path:
        inside = (_part(one, part, schemas) for one in _alternatives(schema))
        schema = next(filter(None, inside), {})
    return schema


def instruction(schema: Schema) -> str | None:
    """Say what to enter in place of a wrong value.

    Parameters
    ----------
    schema
        Of the value, without references.

    Returns
    -------
    str or None
        Such as "Enter a whole number from 1 to 10". None if the schema does not limit the values.
    """
    examples = schema.get("examples")
    about = {"format": schema["format"]} if "format" in schema else {}
    schema = {**without_null(schema), **about}
    if choices := choices_of(schema):
        return f"Choose {_any_of(choices)}"
    if schema.get("type") not in NOUNS:
        return None
    text = f"Enter {_described(schema)}"
    for example in (examples or schema.get("examples", []))[:1]:
        text += f", such as {example if isinstance(example, str) else json.dumps(example)}"
    return text


def without_null(schema: Schema) -> Schema:
    """Return the first alternative that is not null: a parameter in a URL or a form cannot be."""
    alternatives = schema.get("anyOf") or schema.get("oneOf") or []
    return next((one for one in alternatives if one.get("type") != "null"), schema)


def choices_of(schema: Schema) -> list[str]:
    """Return the values to choose from, or nothing if there are too many to list."""
    if schema.get("type") == "boolean":
        return ["true", "false"]
    return [str(choice) for choice in schema.get("enum", [])]


def range_of(schema: Schema) -> str:
    """Say which numbers a schema allows: "1 to 100", "above 0", or nothing if any."""
    low, high = schema.get("minimum"), schema.get("maximum")
    above = schema.get("exclusiveMinimum")
    if above is None:
        return interval(low, high)
    upper = f", up to {number_text(high)}" if high is not None else ""
    return f"above {number_text(above)}{upper}"


def interval(low: float | None, high: float | None) -> str:
    """Write an interval that contains its ends: "1 to 100", "at least 1", "up to 100" or "1"."""
    if low is not None and high is not None:
        ends = number_text(low), number_text(high)
        return ends[0] if low == high else " to ".join(ends)
    if low is not None:
        return f"at least {number_text(low)}"
    return f"up to {number_text(high)}" if high is not None else ""


def number_text(number: float) -> str:
    """Write a number with commas, and with an exponent only if it is very large or small."""
    if number == int(number) and abs(number) < 1e15:
        return f"{int(number):,}"
    return f"{number:.12g}".replace("e+", "e").replace("e-0", "e-")


def _alternatives(schema: Schema) -> list[Schema]:
    alternatives: list[Schema] = schema.get("anyOf") or schema.get("oneOf") or [schema]
    return alternatives


def _part(schema: Schema, part: int | str, schemas: Mapping[str, Schema]) -> Schema:
    """Find the schema of a property or an item."""
    schema = schemas.get(schema.get("$ref", "").rpartition("/")[2], schema)
    if isinstance(part, int) and part < len(schema.get("prefixItems", [])):
        found: Schema = schema["prefixItems"][part]
    else:
        found = schema.get("properties", {}).get(part) or schema.get("items") or {}
    return schemas.get(found.get("$ref", "").rpartition("/")[2], found)


def _has_both_ends(schema: Schema) -> bool:
    return "minimum" in schema and "maximum" in schema


def _described(schema: Schema, *, plural: bool = False) -> str:
    """Describe the values that a schema of one of the types in `NOUNS` allows."""
    kind = schema["type"]
    noun = NOUNS[kind][plural]
    if kind == "array":
        return f"{noun} of {_items(schema)}"
    if kind == "string":
        if "pattern" in schema and "format" in schema:  # which says in words what matches
            return f"the {schema['format']}"
        count = interval(schema.get("minLength"), schema.get("maxLength"))
        noun += f" of {count} characters" if count else ""
        return noun + (f" that matches {schema['pattern']}" if "pattern" in schema else "")
    if limits := range_of(schema):
        return f"{noun} {'from ' if _has_both_ends(schema) else ''}{limits}"
    return noun.replace("number", "finite number") if kind == "number" else noun


def _items(schema: Schema) -> str:
    """Describe the number of a list's items, and what they are."""
    items = without_null(schema.get("items", {}))
    noun = _described(items, plural=True) if items.get("type") in NOUNS else "items"
    count = interval(schema.get("minItems"), schema.get("maxItems"))
    return f"{count} {noun}" if count else noun


def _any_of(words: Sequence[str]) -> str:
    *others, last = words
    return f"{', '.join(others)} or {last}" if others else last
