"""The space that data sets, uploads and predictions may take, together and of each owner."""

import errno
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from stepbox.data.dataset import DATASET_ID
from stepbox.errors import DamagedModelError, StorageFullError, StoreError
from stepbox.store.dataset_reader import DESCRIPTION, MOST_DESCRIPTION_BYTES, Publication
from stepbox.store.objects import Entry, ObjectStore, object_store

# An empty object named {upload}.reserved-{bytes} reserves space for an upload.
RESERVED = ".reserved-"
# An empty object named {upload}.owner-{owner} says whose an upload is.
OWNER = ".owner-"

RESERVATION = re.compile(rf"(?P<key>\.uploads/[^./]+){re.escape(RESERVED)}(?P<bytes>[0-9]+)")
UPLOAD = re.compile(r"(?P<place>\.uploads/(?P<job>[^./]+))(\.owner-(?P<owner>.+)|\..+)?")
PREDICTION = re.compile(r"(?P<place>\.predictions/[^/]+)/(owner-(?P<owner>.+)|.+)")
STAGED = re.compile(rf"(?P<place>{DATASET_ID.pattern}/(?P<job>[^/]+)-[^/-]+)/[^/]+")

_FULL = (errno.ENOSPC, errno.EDQUOT)


class Quota:
    """The bytes that all objects of a store may take, and those of one owner.

    The bytes of an owner are those of their uploads, of the data sets that were imported from
    these, and of their predictions. If several owners import the same content, it counts for the
    first.

    Parameters
    ----------
    place
        An object store, or a folder, which may not exist yet.
    allowed
        Most bytes.
    owner_allowed
        Most bytes of one owner; 0 is no limit.

    Attributes
    ----------
    allowed
        Most bytes.
    """

    def __init__(self, place: ObjectStore | Path, allowed: int, owner_allowed: int = 0) -> None:
        self.allowed = allowed
        self._owner_allowed = owner_allowed
        self._objects = object_store(place)
        self._published: dict[Entry, Publication] = {}  # by the objects that describe data sets

    def used(self) -> int:
        """Return the size of all objects in bytes, including what is reserved for them."""
        return sum(_sizes(self._objects.entries()).values())

    def check(self, owner: str | None, *, more: int = 0, without: str | None = None) -> None:
        """Raise StorageFullError if all objects take more than is allowed, or those of an owner.

        Parameters
        ----------
        owner
            Whose objects are looked at; None is nobody in particular, who has no limit.
        more
            Bytes that are to be stored for the owner.
        without
            Id of the job whose upload does not count, because it is removed soon.
        """
        entries = list(self._objects.entries())
        passing = f".uploads/{without}"
        sizes = {key: size for key, size in _sizes(entries).items() if key != passing}
        used = sum(sizes.values()) + more
        if used > self.allowed:
            raise StorageFullError(
                f"The uploaded data sets and the predictions would take {used:,} bytes with this "
                f"one, and {self.allowed:,} bytes are allowed: delete data sets, or jobs that have "
                "predicted one, that nobody needs."
            )
        if owner is None or not self._owner_allowed:
            return
        owners = self._owners(entries)
        its = (size for key, size in sizes.items() if owners.get(_place_of(key)) == owner)
        used = sum(its) + more
        if used > self._owner_allowed:
            raise StorageFullError(
                f"The data sets, uploads and predictions of the owner {owner} would take {used:,} "
                f"bytes with this one, and {self._owner_allowed:,} bytes are allowed "
                "(STEPBOX_OWNER_BYTES): delete data sets, or jobs that have predicted one, that "
                "nobody needs."
            )

    def _owners(self, entries: list[Entry]) -> Mapping[str, str | None]:
        """Map the places of uploads, data sets and predictions to their owners."""
        uploads = [match for entry in entries if (match := UPLOAD.fullmatch(entry.key))]
        of_jobs = {match["job"]: match["owner"] for match in uploads if match["owner"]}
        owners: dict[str, str | None] = {
            match["place"]: of_jobs[match["job"]] for match in uploads if match["job"] in of_jobs
        }
        for entry in entries:
            if (match := PREDICTION.fullmatch(entry.key)) and match["owner"]:
                owners[match["place"]] = match["owner"]
        # Until an import has published its data set, its upload says whose it is.
        for entry in entries:
            if match := STAGED.fullmatch(entry.key):
                owners[match["place"]] = of_jobs.get(match["job"])
        known = self._published
        self._published = {}
        for entry in entries:
            id, _, name = entry.key.partition("/")
            if name == DESCRIPTION and DATASET_ID.fullmatch(id):
                found = known.get(entry) or self._read(entry.key)
                if found is not None:
                    self._published[entry] = found
                    if found.files:  # a data set of an earlier version is nobody's
                        owners[f"{id}/{found.files}"] = found.submitted_by
        return owners

    def _read(self, key: str) -> Publication | None:
        with suppress(FileNotFoundError, DamagedModelError, ValueError):  # removed, or damaged
            content = self._objects.get(key, MOST_DESCRIPTION_BYTES)
            return Publication.model_validate_json(content)
        return None


def _sizes(entries: Iterator[Entry] | list[Entry]) -> dict[str, int]:
    """Return the size of each object in bytes, or what is reserved for it, whichever is more."""
    sizes: dict[str, int] = {}
    for entry in entries:
        reservation = RESERVATION.fullmatch(entry.key)
        key = reservation["key"] if reservation else entry.key
        size = int(reservation["bytes"]) if reservation else entry.size
        sizes[key] = max(sizes.get(key, 0), size)
    return sizes


def _place_of(key: str) -> str:
    """Return the upload, the prediction or the attempt that an object belongs to."""
    match = UPLOAD.fullmatch(key) or PREDICTION.fullmatch(key)
    return match["place"] if match else key.rpartition("/")[0]


@contextmanager
def saying_why(action: str) -> Iterator[None]:
    """Turn an OSError into StorageFullError if the disk is full, otherwise into StoreError."""
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise StorageFullError(f"Cannot {action}: the disk is full.") from None
        raise StoreError(f"cannot {action}: {error.strerror}") from error
