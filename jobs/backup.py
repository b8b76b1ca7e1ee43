"""Back up a whole installation while it runs, and restore it into an empty one.

A backup is a folder:

    backup.json       what is below, with checksums. It is written last: without it, the backup is
                      not complete, and cannot be restored
    redis.jsonl       the keys of Redis: all jobs, their events, and the queue
    models/           the models with their aliases
    checkpoints/      the checkpoints of running jobs
    datasets/         the uploaded data sets, and uploads that wait for their import
    archive/          the files with archived jobs

A record in Redis names models, checkpoints and uploads. So the records must not be newer than the
bytes: a job that has succeeded would have no model. The bytes may be newer than the records: then
the job runs again from its last checkpoint, and publishes the same model. But they should not be
much newer, because a checkpoint is removed soon after the next one is stored. Therefore, a backup
first copies the bytes, then the records, and then the bytes that are new since. Of the archive, it
copies the files that the records name: they stay for a day after others have replaced them.
"""

import base64
import hashlib
import json
from collections.abc import Iterable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple, cast

import redis
from pydantic import BaseModel, ValidationError, field_validator
from redis.exceptions import ResponseError

from jobs.connection import connect
from jobs.copying import PARTS, copy_object, entries_of, open_parts, rank
from jobs.reader import SCRIPTS
from jobs.settings import Part, Settings
from stepbox import __version__
from stepbox.errors import ConflictError, DamagedModelError, StepboxError
from stepbox.store.folder import FolderStore
from stepbox.store.objects import PIECE_BYTES, Entry, ObjectStore, check_key

MANIFEST = "backup.json"
RECORDS = "redis.jsonl"
FORMAT = 1
MOST_BYTES = 2**27  # limit of backup.json and of documents


class BackupError(StepboxError):
    """A backup is not complete, is damaged, or cannot be restored here."""


class Manifest(BaseModel):
    """The content of backup.json."""

    format: int
    stepbox: str
    created_at: datetime
    records: int
    objects: dict[str, str]  # key → SHA-256

    @field_validator("objects")
    @classmethod
    def _have_places(cls, value: dict[str, str]) -> dict[str, str]:
        for key in value:
            check_key(key)
            if key != RECORDS and key.partition("/")[0] not in PARTS:
                raise ValueError(f"{key!r} is no object of an installation")
        if RECORDS not in value:
            raise ValueError(f"it has no checksum of {RECORDS}")
        return value


class Report(NamedTuple):
    """What was backed up or restored."""

    records: int
    objects: int


def back_up(settings: Settings, target: Path) -> Report:
    """Copy everything of an installation to a folder that does not exist yet or is empty.

    Raises
    ------
    ConflictError
        The folder is not empty.
    OSError, redis.exceptions.RedisError
        A copy failed.
    """
    backup = FolderStore(target)
    if backup.names():
        raise ConflictError(f"{target} is not empty: a backup needs a folder of its own")
    copied: dict[str, tuple[Entry, str]] = {}
    _copy_new(settings, backup, copied, archived=set())
    with connect(settings, raw=True) as client:
        records, archived = _records(client)
    _copy_new(settings, backup, copied, archived)
    text = "".join(f"{record}\n" for record in records).encode()
    backup.put(RECORDS, text)
    objects = {key: digest for key, (_, digest) in copied.items()}
    objects[RECORDS] = hashlib.sha256(text).hexdigest()
    manifest = Manifest(
        format=FORMAT,
        stepbox=__version__,
        created_at=datetime.now(UTC),
        records=len(records),
        objects=objects,
    )
    backup.put(MANIFEST, manifest.model_dump_json(indent=1).encode())
    return Report(len(records), len(copied))


def restore(settings: Settings, source: Path) -> Report:
    """Copy a backup into an installation that has no jobs, models or data sets.

    Only Redis runs meanwhile. The bytes come first, so that no job is there before them.

    Raises
    ------
    BackupError
        The backup is not complete, is damaged, or is of a version of Redis or Stepbox that cannot
        be read here. Nothing has been restored.
    ConflictError
        The installation is not empty.
    """
    backup = FolderStore(source)
    manifest = _checked(backup, source)
    with connect(settings, raw=True) as client:
        if number := client.dbsize():
            raise ConflictError(f"Redis is not empty, it has {number} keys: restore into a new one")
        stores = open_parts(settings)
        for part, entry in entries_of(settings, stores):
            raise ConflictError(f"there are {part} already, such as {entry.key}: use a new store")
        keys = sorted(manifest.objects.keys() - {RECORDS}, key=rank)
        for key in keys:
            place, _, name = key.partition("/")
            copy_object(backup, key, stores[cast(Part, place)], name)
        with backup.open(RECORDS) as lines:
            _restore_records(client, lines)
    return Report(manifest.records, len(keys))


def _copy_new(
    settings: Settings,
    backup: ObjectStore,
    copied: dict[str, tuple[Entry, str]],
    archived: set[str],
) -> None:
    """Copy the objects that are not in `copied` or have changed since, and add them to it.

    Of the archive, only the files that `archived` names are copied.
    """
    stores = open_parts(settings)
    for part, entry in entries_of(settings, stores):
        name = f"{part}/{entry.key}"
        if name in copied and copied[name][0] == entry:
            continue
        if part == "archive" and entry.key not in archived:
            continue
        with suppress(FileNotFoundError, DamagedModelError):  # removed meanwhile
            copied[name] = entry, copy_object(stores[part], entry.key, backup, name)


def _checked(backup: ObjectStore, folder: Path) -> Manifest:
    """Read the manifest of a backup, and compare all its checksums."""
    try:
        manifest = Manifest.model_validate_json(backup.get(MANIFEST, MOST_BYTES))
    except FileNotFoundError:
        raise BackupError(
            f"{folder} has no {MANIFEST}: it is no backup, or not a complete one"
        ) from None
    except ValidationError as error:
        raise BackupError(f"{folder / MANIFEST} is damaged: {error}") from None
    if manifest.format != FORMAT:
        raise BackupError(
            f"the backup has format {manifest.format}, of Stepbox {manifest.stepbox}; this version "
            f"reads format {FORMAT}"
        )
    for key, digest in manifest.objects.items():
        found = hashlib.sha256()
        try:
            with backup.open(key) as file:
                while piece := file.read(PIECE_BYTES):
                    found.update(piece)
        except (FileNotFoundError, DamagedModelError):
            raise BackupError(f"{folder / key} is missing") from None
        if found.hexdigest() != digest:
            raise BackupError(f"{folder / key} is damaged: its checksum differs")
    return manifest


# -- Redis ------------------------------------------------------------------------------------


def _records(client: redis.Redis) -> tuple[list[str], set[str]]:
    """Return all keys of Redis at one moment, each as a line of JSON, and the archive's files."""
    found: Any = client.eval((SCRIPTS / "snapshot.lua").read_text(), 0)
    keys, archived = found
    lines = [
        json.dumps({"key": key.decode(), "expires_ms": expires_ms, "value": _text(value)})
        for key, expires_ms, value in sorted(keys)
    ]
    return lines, {name.decode() for name in archived}


def _restore_records(client: redis.Redis, lines: Iterable[bytes]) -> None:
    """Write all keys at one moment; if one cannot be written, remove them all again."""
    keys = []
    with client.pipeline(transaction=True) as pipeline:
        for line in lines:
            record = json.loads(line)
            keys.append(record["key"])
            value = base64.b64decode(record["value"])
            pipeline.restore(record["key"], max(0, record["expires_ms"]), value)
        outcomes = pipeline.execute(raise_on_error=False)
    errors = [outcome for outcome in outcomes if isinstance(outcome, ResponseError)]
    if errors:
        done = [key for key, outcome in zip(keys, outcomes, strict=True) if outcome not in errors]
        if done:
            client.unlink(*done)
        raise BackupError(
            f"Redis rejects {len(errors)} of {len(keys)} records ({errors[0]}): it must be empty, "
            "and of the same version as the one that was backed up, or a later one"
        )


def _text(value: bytes) -> str:
    return base64.b64encode(value).decode()
