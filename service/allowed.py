"""Say in plain words which values a JSON schema allows, for error messages and forms."""

from typing import Any

Schema = dict[str, Any]

NOUNS = {
    "integer": ("a whole number", "whole numbers"),
    "number": ("a number", "numbers"),
    "string": ("a text", "texts"),
    "object": ("an object", "objects"),
    "array": ("a list", "lists"),
}


def instruction(schema: Schema, *, short: bool = False) -> str | None:
    """Say what to enter in place of a wrong value.

    Parameters
    ----------
    schema
        Of the value, without references.
    short
        Leave out the noun before a range, for values that are numbers already.

    Returns
    -------
    str or None
        Such as "Enter a whole number from 1 to 10". None if the schema allows anything.
    """
    schema = main_schema(schema)
    choices = ["true", "false"] if schema.get("type") == "boolean" else schema.get("enum")
    if choices:
        return f"Choose {_any_of(map(str, choices))}"
    if schema.get("type") not in NOUNS:
        return None
    range_ = range_text(schema)
    return f"Enter {range_ if short and range_ else _one(schema)}"


def main_schema(schema: Schema) -> Schema:
    """Return the schema of the values other than null."""
    others = [one for one in schema.get("anyOf", []) if one.get("type") != "null"]
    return others[0] if len(others) == 1 else schema


def range_text(schema: Schema) -> str:
    """Write a range that includes both ends, such as "1 to 1,000". Empty for other ranges."""
    low, high = schema.get("minimum"), schema.get("maximum")
    return "" if low is None or high is None else f"{number_text(low)} to {number_text(high)}"


def number_text(number: float) -> str:
    """Write a number with commas, and without an exponent if it is whole and below 10¹⁵."""
    if number == int(number) and abs(number) < 1e15:
        return f"{int(number):,}"
    return f"{number:.12g}".replace("e+", "e").replace("e-0", "e-")


def _one(schema: Schema) -> str:
    text = _described(schema)
    example = next(iter(schema.get("examples", [])), None)
    return text if example is None else f"{text}, such as {example}"


def _described(schema: Schema, *, plural: bool = False) -> str:
    noun, limits = NOUNS[schema["type"]][plural], _limits(schema)
    if schema["type"] == "number" and not limits:
        return noun.replace("number", "finite number")
    return noun + limits


def _limits(schema: Schema) -> str:
    """Describe the limits of a value, to follow its noun."""
    if schema["type"] == "array":
        return _items(schema)
    if schema["type"] == "string":
        count = _count(schema.get("minLength"), schema.get("maxLength"))
        text = f" of {count} characters" if count else ""
        return text + (f" that matches {schema['pattern']}" if "pattern" in schema else "")
    if range_ := range_text(schema):
        return f" from {range_}"
    low, above = schema.get("minimum"), schema.get("exclusiveMinimum")
    high, below = schema.get("maximum"), schema.get("exclusiveMaximum")
    limits = [
        f"{word} {number_text(limit)}"
        for word, limit in (("above", above), ("at least", low), ("up to", high), ("below", below))
        if limit is not None
    ]
    return f" {', '.join(limits)}" if limits else ""


def _items(schema: Schema) -> str:
    """Describe the number of a list's items and what they are."""
    count = _count(schema.get("minItems"), schema.get("maxItems"))
    items = main_schema(schema.get("items", {}))
    if items.get("type") not in NOUNS:
        return f" of {count} items" if count else ""
    noun = _described(items, plural=True)
    return f" of {count} {noun}" if count else f" of {noun}"


def _count(least: int | None, most: int | None) -> str:
    if least and least == most:
        return f"{most:,}"
    if least and most:
        return f"{least:,} to {most:,}"
    if most is not None:
        return f"up to {most:,}"
    return f"at least {least:,}" if least else ""


def _any_of(words: Any) -> str:
    *others, last = words
    return f"{', '.join(others)} or {last}" if others else last
