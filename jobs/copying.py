"""Copy the objects of an installation from one store to another."""

import hashlib
import re
from collections.abc import Iterator, Mapping
from typing import get_args

import redis

from jobs.connection import connect
from jobs.places import WORKER_PATIENCE_S, open_part
from jobs.settings import Part, Settings
from stepbox.errors import ConflictError
from stepbox.store.objects import Entry, ObjectStore, is_document

PARTS: tuple[Part, ...] = get_args(Part)
MOST_BYTES = 2**27  # limit of documents
FIRST = "aliases.json"  # copied before the models that it names
LAST = ("card.json", "dataset.json", "prediction.json")  # copied after the files that it describes
# Of no installation, or of one process.
PASSING = re.compile(r"README\.md|\.lock|(\.scratch|\.cache|\.checks)/.*")


def copy_all(source: Settings, target: Settings) -> int:
    """Copy all objects to an empty store, while no worker runs; return their number.

    Raises
    ------
    ConflictError
        The target is not empty, or is the source.
    OSError
        A copy failed.
    """
    if (source.store or source.models_dir) == (target.store or target.models_dir):
        raise ConflictError("the source and the target are the same store")
    stores, copies = open_parts(source), open_parts(target)
    for part, entry in entries_of(target, copies):
        raise ConflictError(f"there are {part} already, such as {entry.key}: use a new store")
    number = 0
    for part, entry in entries_of(source, stores):
        copy_object(stores[part], entry.key, copies[part], entry.key)
        number += 1
    return number


def open_parts(settings: Settings) -> dict[Part, ObjectStore]:
    """Open all parts of the store that the settings name."""

    def client() -> redis.Redis:  # needed only to change documents, and a copy writes new ones
        return connect(settings)

    return {part: open_part(settings, part, client, WORKER_PATIENCE_S) for part in PARTS}


def entries_of(
    settings: Settings, stores: Mapping[Part, ObjectStore]
) -> Iterator[tuple[Part, Entry]]:
    """Yield (part, object) for all objects of an installation, in the order to copy them."""
    for part, store in stores.items():
        own = settings.folders[part]  # the folders of other parts may be inside it
        inner = tuple(
            f"{other.relative_to(own).as_posix()}/"
            for other in settings.folders.values()
            if other != own and other.is_relative_to(own)
        )
        for entry in sorted(store.entries(), key=lambda entry: rank(entry.key)):
            if not PASSING.fullmatch(entry.key) and not entry.key.startswith(inner):
                yield part, entry


def rank(key: str) -> tuple[int, int, str]:
    """Order keys as they must be copied."""
    name = key.rpartition("/")[2]
    return (0 if name == FIRST else 2 if name in LAST else 1, -key.count("/"), key)


def copy_object(source: ObjectStore, key: str, target: ObjectStore, name: str) -> str:
    """Copy an object and return its SHA-256."""
    digest = hashlib.sha256()
    if is_document(key):
        data = source.get(key, MOST_BYTES)
        target.put(name, data)
        return hashlib.sha256(data).hexdigest()
    writer = target.writer(name)
    try:
        for piece in source.pieces(key):
            digest.update(piece)
            writer.write(piece)
        writer.commit()
    finally:
        writer.abort()
    return digest.hexdigest()
