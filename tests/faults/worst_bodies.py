"""The bodies that are most expensive to parse, for every operation of the OpenAPI document."""

import json
from collections.abc import Collection, Iterator
from typing import Any, NamedTuple

from service.app import create_app
from service.bodies.bounds import bound_of
from service.bodies.json_cost import MOST_OBJECTS, MOST_VALUES

# An item, and the largest number of such items that is still parsed.
ITEMS = {
    "objects": (b"{}", MOST_OBJECTS - 2),
    "lists": (b"[]", MOST_VALUES // 2 - 2),
    "texts": (b'"ab"', MOST_VALUES - 5),
    "numbers": (b"1.5", MOST_VALUES - 5),
}


class Worst(NamedTuple):
    """A request with a body that is expensive to parse.

    Attributes
    ----------
    method, path
        The operation. Most resources that its path names do not exist.
    what
        A description of the body.
    body
        JSON, of the largest size that the operation accepts.
    """

    method: str
    path: str
    what: str
    body: bytes


def worst_bodies(max_body_bytes: int, items: Collection[str] = ITEMS) -> Iterator[Worst]:
    """Make the most expensive bodies of all operations that accept a body.

    Parameters
    ----------
    max_body_bytes
        The setting with this name.
    items
        Keys of `ITEMS`: what fills the lists. Texts take most memory, numbers most time.
    """
    app = create_app()
    routes = app.url_map.bind("localhost")
    document = app.extensions["openapi"]
    for template, operations in document["paths"].items():
        for method, operation in operations.items():
            if "requestBody" not in operation or "/versions/" in template:
                continue
            if "application/json" not in operation["requestBody"]["content"]:
                continue  # an upload, which goes to a file
            path = template.replace("{ref}", "latest").replace("{name}", "best")
            endpoint, _ = routes.match(path, method.upper())
            size = bound_of(app, endpoint).most_bytes(max_body_bytes)
            for name in ("unknown", *_properties(document, operation)):
                for what in items:
                    item, most = ITEMS[what]
                    body = _fill(name, item, min(most, (size - 20) // (len(item) + 1)))
                    yield Worst(method.upper(), path, f"{name}: {what}", body)
            yield Worst(method.upper(), path, "names", _names(size))
            yield Worst(method.upper(), path, "nested", b"[" * size)
            yield Worst(method.upper(), path, "too many", _fill("unknown", b"{}", size // 3 - 10))


def _properties(document: dict[str, Any], operation: dict[str, Any]) -> list[str]:
    schema = operation["requestBody"]["content"]["application/json"]["schema"]
    if "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    properties = schema.get("properties", {})
    return [name for name, field in properties.items() if "array" in json.dumps(field)]


def _fill(name: str, item: bytes, count: int) -> bytes:
    return b'{"%b": [%b]}' % (name.encode(), (item + b",") * (count - 1) + item)


def _names(size: int) -> bytes:
    count = size // 16
    return b"{%b}" % b",".join(b'"%09d":0' % number for number in range(count))
