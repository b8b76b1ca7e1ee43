"""Objects in a bucket of S3, Google Cloud Storage or Azure, which many machines share.

Objects are written once and never changed, under keys that no two writers share. So it does not
matter whether a service can write an object only if it is missing, and nothing is renamed. The
exceptions are documents, such as the card of a model. A document is kept as its versions, and the
one with the highest number counts:

    m-0123456789ab/card.json/000000000000    as it was published
    m-0123456789ab/card.json/000000000017    after a change

A number is taken in turns (see `stepbox.store.turns`) and never given twice. A process that was
paused in its turn, and goes on when its turn is over, writes a lower number than those that came
after it. So it changes nothing, and is told that it has to try again.
"""

import errno
import os
import re
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import cached_property
from operator import itemgetter
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import obstore
from obstore.store import ObjectStore as Client

from stepbox.errors import DamagedModelError, UnavailableError
from stepbox.store.bucket_client import PIECE_BYTES, BucketWriter, connect, explained
from stepbox.store.local_cache import LocalCache
from stepbox.store.objects import (
    Entry,
    ObjectStore,
    Version,
    Writer,
    check_document,
    check_key,
    is_document,
)
from stepbox.store.turns import Turn, Turns

if TYPE_CHECKING:
    from obstore import ObjectMeta

PAUSE_S = 2.0  # after a request has failed, others fail at once for this time

_NUMBER = re.compile(r"\d{12}")
_QUOTES = '"'


class BucketStore(ObjectStore):
    """Objects below a prefix of a bucket.

    A process must not be forked after it has used a bucket: the client has threads.

    Parameters
    ----------
    url
        Such as ``s3://bucket/prefix``. The access keys and the address of the service come from the
        environment, for instance ``AWS_ACCESS_KEY_ID`` and ``AWS_ENDPOINT_URL``.
    cache
        Has the copies that `local_file` makes.
    patience_s
        A request is repeated for this time, in s, while the service does not answer.
    turns
        Needed by `update` only.
    """

    def __init__(
        self, url: str, cache: LocalCache, patience_s: float, turns: Turns | None = None
    ) -> None:
        self._url = url.rstrip("/")
        self._cache = cache
        self._patience_s = patience_s
        self._turns = turns
        self._here = threading.local()
        self._away_until = 0.0

    @property
    def _bucket(self) -> Client:
        """The client. All requests go through it."""
        self._check_requests_are_allowed()
        now = time.monotonic()
        if now < self._away_until:
            raise UnavailableError("the bucket has just failed to answer", self._url)
        if self._away_until:  # one request tries; until it is answered, the others fail at once
            self._away_until = now + PAUSE_S
        return self._client

    def _check_requests_are_allowed(self) -> None:
        """Raise UnavailableError within `from_memory`."""
        if getattr(self._here, "from_memory", False):
            raise UnavailableError("this is not in memory", self._url)

    @contextmanager
    def _asking(self, key: str) -> Iterator[None]:
        """Explain errors, and remember whether the bucket answers."""
        try:
            with explained(key, self._failed):
                yield
        except FileNotFoundError:
            self._away_until = 0.0
            raise
        self._away_until = 0.0

    def _failed(self) -> None:
        self._away_until = time.monotonic() + PAUSE_S

    @cached_property
    def _client(self) -> Client:
        return connect(self._url, self._patience_s)

    @contextmanager
    def from_memory(self) -> Iterator[None]:
        """Send no request within this context and thread."""
        self._here.from_memory = True
        try:
            yield
        finally:
            self._here.from_memory = False

    def check(self) -> None:
        """List the first objects; raise UnavailableError if that fails."""
        with self._asking(self._url):
            next(iter(obstore.list(self._bucket)), None)

    def pieces(self, key: str) -> Iterator[bytes]:
        """Read an object piece by piece."""
        check_key(key)
        place = self._place(key)
        with self._asking(key):
            stream = iter(obstore.get(self._bucket, place).stream(PIECE_BYTES))
        while True:
            with self._asking(key):
                piece = next(stream, None)
            if piece is None:
                return
            yield bytes(piece)

    def get(self, key: str, limit: int) -> bytes:
        """Read a whole object."""
        check_key(key)
        while True:
            place = self._place(key)
            try:
                with self._asking(key):
                    found = obstore.get(self._bucket, place)
                    size = found.meta["size"]
                    if size > limit:
                        raise DamagedModelError(f"it is larger than the limit of {limit:,} bytes")
                    return bytes(found.bytes())
            except FileNotFoundError:
                if place == key:
                    raise
                # A newer version of the document has replaced this one meanwhile.

    def size(self, key: str) -> int:
        """Return the size of an object in bytes."""
        check_key(key)
        with self._asking(key):
            if is_document(key):
                return self._newest(key).size
            return obstore.head(self._bucket, key)["size"]

    def versions(self, keys: Sequence[str]) -> list[Version | None]:
        """Ask the bucket for the version of each object, or for all objects below a prefix."""
        return [self._version(key) for key in keys]

    def names(self, prefix: str = "") -> list[str]:
        """Return the names directly below a prefix."""
        if prefix:
            check_key(prefix)
        with self._asking(prefix):
            found = obstore.list_with_delimiter(self._bucket, prefix or None)
        keys = [*found["common_prefixes"], *(item["path"] for item in found["objects"])]
        return list(dict.fromkeys(key.rpartition("/")[2] for key in keys))

    def entries(self, prefix: str = "") -> Iterator[Entry]:
        """List the objects below a prefix; of a document, only the newest version."""
        return (entry for entry, _ in self.stored(prefix))

    def stored(self, prefix: str = "") -> list[tuple[Entry, Version]]:
        """Return the objects below a prefix, or the object of that key, with their versions.

        Of a document, this is the newest one.
        """
        if prefix:
            check_key(prefix)
        found = {}
        items = self._list(prefix)
        if prefix and not items:
            with suppress(FileNotFoundError), self._asking(prefix):
                items = [obstore.head(self._bucket, prefix)]
        for item in sorted(items, key=itemgetter("path")):
            key, size = item["path"], item["size"]
            document, _, number = key.rpartition("/")
            if is_document(document) and _NUMBER.fullmatch(number):
                key = document
            version = object_version(item["path"], item["e_tag"], size)
            found[key] = Entry(key, size, item["last_modified"].timestamp()), version
        return list(found.values())

    def put(self, key: str, data: bytes) -> None:
        """Store an object; of a document, the first version."""
        check_key(key)
        with self._asking(key):
            obstore.put(self._bucket, _first(key), data)
        self._changed(key)

    def writer(self, key: str) -> Writer:
        """Begin a multi-part upload. If it is not completed, the service keeps its parts hidden."""
        check_key(key)
        return BucketWriter(self._bucket, key, self._changed)

    def delete(self, key: str) -> None:
        """Remove an object; of a document, the newest version last."""
        check_key(key)
        if is_document(key):
            for item in sorted(self._list(key), key=itemgetter("path")):
                self._delete(item["path"])
        else:
            self._delete(key)
        self._changed(key)

    def delete_all(self, prefix: str) -> None:
        """Remove all objects below a prefix."""
        check_key(prefix)
        items = self._list(prefix)
        # Some services do not report what was removed meanwhile as missing, others do.
        with suppress(FileNotFoundError), self._asking(prefix):
            obstore.delete(self._bucket, [item["path"] for item in items])
        self._changed(prefix)

    def update(self, key: str, change: Callable[[bytes | None], bytes | None], limit: int) -> None:
        """Add a version of a document, in a turn."""
        check_document(key)
        assert self._turns is not None
        while True:
            turn = self._turns.take(self._newest_number(key))
            try:
                changed = self._change(key, change, limit, turn)
            except BaseException:
                turn.end()
                raise
            if turn.end() or not changed:
                break
            # Somebody else's turn has begun since: they may not have seen this version.
            self._delete(f"{key}/{turn.number:012d}")
        if changed:
            self._changed(key)
            with suppress(UnavailableError):  # then the next change removes the older versions
                for item in self._list(key):
                    if int(item["path"].rpartition("/")[2]) < turn.number:
                        self._delete(item["path"])

    def local_file(self, key: str) -> Path:
        """Return a copy in the cache."""
        check_key(key)
        identity = f"{self._url}/{key}"
        return self._cache.find(identity) or self._cache.keep(identity, self.pieces(key))

    def forget_local(self, key: str) -> bool:
        """Remove the copy in the cache."""
        return self._cache.remove(f"{self._url}/{key}")

    def move(self, source: str, target: str) -> None:
        """Let the service copy an object, and remove the original."""
        check_key(source)
        check_key(target)
        place = self._place(source)
        with self._asking(source):
            obstore.copy(self._bucket, place, _first(target))
        self.delete(source)
        self._changed(target)

    def _changed(self, key: str) -> None:
        """Note that this process has changed an object, or what is below a prefix."""

    def _change(
        self, key: str, change: Callable[[bytes | None], bytes | None], limit: int, turn: Turn
    ) -> bool:
        """Write a version; return False if there is nothing to change."""
        try:
            before = self.get(key, limit)
        except FileNotFoundError:
            before = None
        after = change(before)
        if after is None or after == before:
            return False
        with self._asking(key):
            obstore.put(self._bucket, f"{key}/{turn.number:012d}", after)
        return True

    def _place(self, key: str) -> str:
        """Return where the content of an object is."""
        return self._newest(key).place if is_document(key) else key

    def _newest(self, key: str) -> "_Stored":
        """Return the newest version of a document; raise FileNotFoundError if there is none."""
        items = self._list(key)
        if not items:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), key)
        newest = max(items, key=itemgetter("path"))
        return _Stored(newest["path"], newest["size"])

    def _newest_number(self, key: str) -> int:
        return max((int(item["path"].rpartition("/")[2]) for item in self._list(key)), default=0)

    def _version(self, key: str) -> Version | None:
        if not is_document(key) and key:
            with suppress(FileNotFoundError), self._asking(key):
                found = obstore.head(self._bucket, key)
                return object_version(key, found["e_tag"], found["size"])
        items = self._list(key)
        if not items:
            return None
        if is_document(key):
            newest = max(items, key=itemgetter("path"))
            return object_version(newest["path"], newest["e_tag"], newest["size"])
        names = {item["path"].removeprefix(f"{key}/").partition("/")[0] for item in items}
        return " ".join(sorted(names)), 0, 0, 0

    def _list(self, prefix: str) -> "list[ObjectMeta]":
        with self._asking(prefix):
            return [item for page in obstore.list(self._bucket, prefix or None) for item in page]

    def _delete(self, place: str) -> None:
        with suppress(FileNotFoundError), self._asking(place):
            obstore.delete(self._bucket, place)


class _Stored(NamedTuple):
    """The newest version of a document: its key in the bucket, and its size in bytes."""

    place: str
    size: int


def object_version(place: str, tag: str | None, size: int) -> Version:
    """Return the version of an object from its key in the bucket and the service's entity tag."""
    return f"{place} {(tag or '').strip(_QUOTES)}", size, 0, 0


def _first(key: str) -> str:
    """Return where `put` stores an object."""
    return f"{key}/{0:012d}" if is_document(key) else key
