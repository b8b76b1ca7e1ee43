"""The bodies that cost most to read, for every operation of the OpenAPI document."""

import json
from collections.abc import Collection, Iterator
from typing import Any, NamedTuple

from service.bodies.json_body import MOST_OBJECTS, MOST_VALUES
from service.server.bounds import bound_of

# As many as are read, or as a body holds.
ITEMS = {
    "objects": (b"{}", MOST_OBJECTS - 2),
    "lists": (b"[]", MOST_VALUES // 2 - 2),
    "texts": (b'"ab"', MOST_VALUES - 5),
    "numbers": (b"1.5", MOST_VALUES - 5),
}


class Worst(NamedTuple):
    """A request with a body that costs much.

    Attributes
    ----------
    method, path
        The operation; what its path names is mostly nothing that there is.
    what
        What the body is.
    body
        JSON, as long as the operation takes.
    """

    method: str
    path: str
    what: str
    body: bytes


def worst_bodies(
    document: dict[str, Any], largest: int, items: Collection[str] = ITEMS
) -> Iterator[Worst]:
    """Make the worst bodies of all operations that take one.

    Parameters
    ----------
    document
        The OpenAPI document.
    largest
        Bytes of the largest body of pictures.
    items
        What lists are filled with; texts take most memory, numbers most time.
    """
    for template, operations in document["paths"].items():
        for method, operation in operations.items():
            if "requestBody" not in operation or "/versions/" in template:
                continue
            path = template.replace("{ref}", "latest").replace("{name}", "best")
            size = bound_of(path, largest).body
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
