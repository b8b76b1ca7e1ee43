"""Aliases: names that people give to models, in one object that all processes share."""

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from pydantic import TypeAdapter, ValidationError

from stepbox.errors import ConflictError, DamagedModelError, Fault
from stepbox.store.cache import ObjectCache
from stepbox.store.card import MODEL_ID
from stepbox.store.objects import ObjectStore

FILE = "aliases.json"
ALIAS = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}")
MOST_BYTES = 2**24  # limit of the file: room for over 150,000 aliases

_CONTENT = TypeAdapter(dict[str, str])


class Aliases:
    """The aliases in a store: the object ``aliases.json``.

    Parameters
    ----------
    objects
        The store of the models.
    """

    def __init__(self, objects: ObjectStore) -> None:
        self._objects = objects
        self._cache = ObjectCache[Mapping[str, str]](1, objects=objects)

    def read(self) -> Mapping[str, str]:
        """Return all aliases, each with the id of its model. The caller must not change them."""

        def read() -> Mapping[str, str]:
            with _explain_damage():
                try:
                    return _decode(self._objects.get(FILE, MOST_BYTES))
                except FileNotFoundError:
                    return {}

        try:
            return self._cache.get("", [FILE], read)
        except OSError as error:
            raise DamagedModelError(f"{FILE} cannot be read: {error.strerror}") from error

    def update(self, change: Callable[[dict[str, str]], None]) -> None:
        """Pass all aliases to `change`, which edits them in place; store them unless it raises."""

        def changed(content: bytes | None) -> bytes | None:
            before = {} if content is None else _decode(content)
            aliases = dict(before)
            change(aliases)
            if aliases == before:
                return content
            content = _CONTENT.dump_json(aliases, indent=1)
            if len(content) > MOST_BYTES:
                raise ConflictError("the limit of the number of aliases is reached")
            return content

        with _explain_damage():
            self._objects.update(FILE, changed, MOST_BYTES)


def _decode(content: bytes) -> dict[str, str]:
    try:
        return _CONTENT.validate_json(content)
    except ValidationError as error:
        raise DamagedModelError("it is not a JSON object of names and ids") from error


@contextmanager
def _explain_damage() -> Iterator[None]:
    try:
        yield
    except DamagedModelError as error:
        raise DamagedModelError(f"{FILE} cannot be read: {error}") from error


def alias_faults(name: str) -> list[Fault]:
    """Return the fault, at ``/name``, if a name cannot be an alias; [] if it can."""
    if not ALIAS.fullmatch(name):
        detail = "must be 1 to 63 of a-z, 0-9, '.', '_' and '-', and begin with a letter or digit"
    elif name.startswith("latest"):
        detail = "must not begin with 'latest': such names are reserved"
    elif MODEL_ID.fullmatch(name):
        detail = "must not have the form of a model's id"
    else:
        return []
    return [Fault("/name", detail)]
