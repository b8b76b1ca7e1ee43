"""Write the OpenAPI document's schemas and descriptions for people, as HTML."""

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from markupsafe import Markup, escape

from stepbox.allowed import Schema, interval, range_of

REFERENCE = "#/components/schemas/"  # begins each reference of the document


class BodyForm(NamedTuple):
    """A control for a body: for all types that are files, or for one other type."""

    types: list[str]
    kind: str  # file, files (form data) or text
    schema: Schema


def prose(text: str) -> Markup:
    """Mark up a description. Text between backticks is code."""
    pieces = text.split("`")
    return Markup().join(
        Markup("<code>{}</code>").format(piece) if i % 2 else escape(piece)
        for i, piece in enumerate(pieces)
    )


def operation_anchors(document: Schema) -> dict[str, str]:
    """Return the id of each operation on the page, such as `post-jobs-id-cancel`."""
    return {
        operation["operationId"]: "-".join(
            [method, *re.findall(r"[\w.]+", re.sub("[{}]", "", path))]
        )
        for path, operations in document["paths"].items()
        for method, operation in operations.items()
    }


def object_anchor(name: str) -> str:
    """Return the id of an object's schema on the page."""
    return f"object-{name}"


def type_words(schema: Schema) -> Markup:
    """Say which JSON values a schema allows, with links to the objects that it refers to."""
    if reference := schema.get("$ref"):
        name = reference.removeprefix(REFERENCE)
        return Markup('<a href="#{}">{}</a>').format(object_anchor(name), name)
    if "const" in schema:
        return _code(schema["const"])
    if "enum" in schema:
        return _alternatives(_code(value) for value in schema["enum"])
    if "anyOf" in schema:
        return _alternatives(type_words(one) for one in schema["anyOf"])
    kind = schema.get("type", "any value")
    if kind == "array":
        return _list_words(schema)
    if kind == "string":
        return _string_words(schema)
    if isinstance(values := schema.get("additionalProperties"), Mapping):
        return Markup("object whose values are: {}").format(type_words(values))
    allowed = range_of(schema)
    return escape(f"{kind}, {allowed}" if allowed else kind)


def resolve(document: Schema, schema: Schema) -> Schema:
    """Return the schema that a schema refers to, or the schema itself."""
    reference = schema.get("$ref", "")
    found: Schema = document["components"]["schemas"].get(reference.removeprefix(REFERENCE), schema)
    return found


def example_text(document: Schema, schema: Schema) -> str:
    """Return an example of a JSON body: the one in its schema, or else the default values."""
    schema = resolve(document, schema)
    fields = schema.get("properties", {})
    defaults = {name: field["default"] for name, field in fields.items() if "default" in field}
    return json.dumps(schema.get("examples", [defaults])[0], indent=2)


def sample_text(document: Schema, schema: Schema) -> str:
    """Return the shape of a JSON response: each member has an example or an arbitrary value."""
    text = json.dumps(_sample(document, schema), indent=2, ensure_ascii=False)
    # Lists of numbers or texts stay in one line.
    text = re.sub(r"\[\s+([^][{}]+?)\s+\]", r"[\1]", text)
    return re.sub(r"\[[^][{}]+\]", lambda found: re.sub(r"\n\s*", " ", found[0]), text)


def in_reading_order(parameters: Iterable[Schema]) -> list[Schema]:
    """Sort parameters: those of the path first, then those of the query, then headers."""
    return sorted(parameters, key=lambda one: ("path", "query", "header").index(one["in"]))


def body_forms(document: Schema, content: Schema) -> list[BodyForm]:
    """Return the controls for a body. The key of `content` is the content type."""
    forms: dict[str, BodyForm] = {}
    for name, media in content.items():
        schema = resolve(document, media["schema"])
        if is_file(schema):
            kind, key = "file", "file"
        else:
            kind, key = "files" if name == "multipart/form-data" else "text", name
        forms.setdefault(key, BodyForm([], kind, schema)).types.append(name)
    return list(forms.values())


def is_object(document: Schema, schema: Schema) -> bool:
    """Tell whether a schema describes JSON objects with known members, perhaps of several kinds."""
    schema = resolve(document, schema)
    kinds = schema.get("anyOf", [])
    return "properties" in schema or bool(kinds and all(is_object(document, one) for one in kinds))


def is_file(schema: Schema) -> bool:
    """Tell whether a schema describes the content of a file."""
    return schema.get("format") == "binary"


# What stands for any value of a type.
_ARBITRARY = {"string": "…", "boolean": True, "number": 0.5, "null": None}
_FORMATS = {"date-time": "2026-01-31T12:00:00Z"}


def _sample(document: Schema, schema: Schema, within: tuple[str, ...] = ()) -> Any:
    """Return a value that a schema allows, without members that responses may lack.

    `within` has the objects around the value, because objects can contain objects of their kind.
    """
    if reference := schema.get("$ref"):
        if reference in within:
            return {}
        return _sample(document, resolve(document, schema), (*within, reference))
    if "examples" in schema:
        return schema["examples"][0]
    if "const" in schema:
        return schema["const"]
    if "enum" in schema:
        return schema["enum"][0]
    if "anyOf" in schema:
        return _sample(document, schema["anyOf"][0], within)
    kind = schema.get("type", "object")
    if kind == "array":
        items = schema.get("prefixItems", [schema.get("items", {})])
        return [_sample(document, one, within) for one in items]
    if kind == "object":
        members = schema.get("properties", {})
        return {
            name: _sample(document, member, within)
            for name, member in members.items()
            if name in schema.get("required", ()) or member.get("default") is not None
        }
    if kind == "integer":
        return int(schema.get("minimum", 0))
    return _FORMATS.get(schema.get("format", ""), _ARBITRARY[kind])


def _code(value: Any) -> Markup:
    return Markup("<code>{}</code>").format(json.dumps(value))


def _alternatives(options: Iterable[Markup]) -> Markup:
    return Markup(" or ").join(dict.fromkeys(options))


def _list_words(schema: Schema) -> Markup:
    if "prefixItems" in schema:
        parts = Markup(", ").join(type_words(one) for one in schema["prefixItems"])
        return Markup("list of [{}]").format(parts)
    count = interval(schema.get("minItems"), schema.get("maxItems"))
    items = schema.get("items", {})
    each = type_words(items)
    if "anyOf" in items or "enum" in items:
        each = Markup("({})").format(each)
    return Markup("list ({}) of {}").format(count, each) if count else Markup("list of ") + each


def _string_words(schema: Schema) -> Markup:
    if is_file(schema):
        return Markup("file")
    words = escape(schema.get("format", "string"))
    if count := interval(schema.get("minLength"), schema.get("maxLength")):
        words += f" of {count} characters"
    if "pattern" in schema:
        words += Markup(", matching <code>{}</code>").format(schema["pattern"])
    return words
