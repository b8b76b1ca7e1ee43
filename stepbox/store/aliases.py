"""Names that people give to models, in one file that many processes share."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from stepbox.errors import ConflictError, DamagedModelError, Fault
from stepbox.store.card import MODEL_ID
from stepbox.store.durable import locked, replace_file
from stepbox.store.file_cache import FileCache
from stepbox.store.regular_files import read_regular

ALIAS = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}")
MOST_BYTES = 2**24  # of the file: over 150,000 aliases

_CONTENT = TypeAdapter(dict[str, str])


class Aliases:
    """The aliases in a folder: ``aliases.json`` and the lock ``.lock``.

    Parameters
    ----------
    folder
        That of the models.
    """

    def __init__(self, folder: Path) -> None:
        self._file = folder / "aliases.json"
        self._lock = folder / ".lock"
        self._cache = FileCache[Mapping[str, str]](1)

    def read(self) -> Mapping[str, str]:
        """Return all aliases, each with the id of its model; not to be changed."""
        try:
            return self._cache.get("", [self._file], self._read)
        except OSError as error:
            raise DamagedModelError(f"aliases.json cannot be read: {error.strerror}") from error

    @contextmanager
    def change(self) -> Iterator[dict[str, str]]:
        """Hold the lock, give all aliases to be changed in place, and store them if they were.

        Nothing is stored where the block raises.
        """
        self._lock.parent.mkdir(parents=True, exist_ok=True)
        with locked(self._lock):
            before = self._read()
            aliases = dict(before)
            yield aliases
            if aliases != before:
                content = _CONTENT.dump_json(aliases, indent=1)
                if len(content) > MOST_BYTES:
                    raise ConflictError("there are as many aliases as there may be")
                replace_file(self._file, content)

    def _read(self) -> dict[str, str]:
        try:
            return _CONTENT.validate_json(read_regular(self._file, MOST_BYTES))
        except FileNotFoundError:
            return {}
        except ValidationError as error:
            raise DamagedModelError("aliases.json is no object of names and ids") from error
        except DamagedModelError as error:
            raise DamagedModelError(f"aliases.json cannot be read: {error}") from error


def alias_faults(name: str) -> list[Fault]:
    """Say why a name, the value at ``/name``, cannot be an alias; nothing where it can."""
    if not ALIAS.fullmatch(name):
        detail = "must be 1 to 63 of a-z, 0-9, '.', '_' and '-', and begin with a letter or digit"
    elif name.startswith("latest"):
        detail = "must not begin with 'latest': such names are computed"
    elif MODEL_ID.fullmatch(name):
        detail = "must not have the form of a model's id"
    else:
        return []
    return [Fault("/name", detail)]
