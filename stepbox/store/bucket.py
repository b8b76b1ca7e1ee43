"""Objects in a bucket of S3, Google Cloud Storage or Azure, which many machines share.

Objects are written once and never changed, under keys that no two writers share. So it does not
matter whether a service can write an object only if it is missing, and nothing is renamed. The
exceptions are documents, which are kept as their versions: see `stepbox.store.document`.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import cached_property
from operator import itemgetter
from pathlib import Path
from typing import TYPE_CHECKING

import obstore
from obstore.store import ObjectStore as Client

from stepbox.errors import DamagedModelError, UnavailableError
from stepbox.store.bucket_client import BucketWriter, ObjectState, connect, explained
from stepbox.store.document import first_key, key_of, newest, number_of, version_key
from stepbox.store.local_cache import LocalCache
from stepbox.store.objects import (
    PIECE_BYTES,
    Entry,
    ObjectStore,
    Version,
    Writer,
    check_document,
    check_key,
    check_may_wait,
    is_document,
)
from stepbox.store.turns import Turn, Turns

if TYPE_CHECKING:
    from obstore import ObjectMeta

PAUSE_S = 2.0  # after a request has failed, others fail at once for this time


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

    reads_at_once = 32

    def __init__(
        self, url: str, cache: LocalCache, patience_s: float, turns: Turns | None = None
    ) -> None:
        self._url = url.rstrip("/")
        self._cache = cache
        self._patience_s = patience_s
        self._turns = turns
        self._away_until = 0.0

    @property
    def _bucket(self) -> Client:
        """The client. All requests go through it."""
        check_may_wait(self._url)
        now = time.monotonic()
        if now < self._away_until:
            raise UnavailableError("the bucket has just failed to answer", self._url)
        if self._away_until:  # one request tries; until it is answered, the others fail at once
            self._away_until = now + PAUSE_S
        return self._client

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
        if not is_document(key):
            return self._read(key, limit)
        while True:
            place = self._newest(key)["path"]
            with suppress(FileNotFoundError):  # a newer version has replaced it meanwhile
                return self._read(place, limit)

    def size(self, key: str) -> int:
        """Return the size of an object in bytes."""
        check_key(key)
        with self._asking(key):
            if is_document(key):
                return self._newest(key)["size"]
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
        for key, item in self.listed(prefix).items():
            yield Entry(key, item["size"], item["last_modified"].timestamp())

    def listed(self, prefix: str = "") -> "dict[str, ObjectMeta]":
        """List the objects below a prefix, or the object of that key, by their keys.

        Of a document, this is the newest version.
        """
        if prefix:
            check_key(prefix)
        items = self._list(prefix)
        if prefix and not items:
            with suppress(FileNotFoundError), self._asking(prefix):
                items = [obstore.head(self._bucket, prefix)]
        return {key_of(item["path"]): item for item in sorted(items, key=itemgetter("path"))}

    def put(self, key: str, data: bytes) -> None:
        """Store an object; of a document, the first version."""
        check_key(key)
        with self._asking(key):
            obstore.put(self._bucket, first_key(key), data)
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
            if turn.end():
                break
            # Somebody else's turn has begun since: they may not have seen this version, nor what
            # `change` did besides.
            if changed:
                self._delete(version_key(key, turn.number))
        if changed:
            self._changed(key)
            with suppress(UnavailableError):  # then the next change removes the older versions
                for item in self._list(key):
                    if number_of(item["path"]) < turn.number:
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
            obstore.copy(self._bucket, place, first_key(target))
        self.delete(source)
        self._changed(target)

    def _changed(self, key: str) -> None:
        """Note that this process has changed an object, or what is below a prefix."""

    def _change(
        self, key: str, change: Callable[[bytes | None], bytes | None], limit: int, turn: Turn
    ) -> bool:
        """Write a version; return False if there is nothing to change."""
        try:
            before = BucketStore.get(self, key, limit)  # subclasses may know an older version
        except FileNotFoundError:
            before = None
        after = change(before)
        if after is None or after == before:
            return False
        with self._asking(key):
            obstore.put(self._bucket, version_key(key, turn.number), after)
        return True

    def _read(self, place: str, limit: int) -> bytes:
        with self._asking(place):
            found = obstore.get(self._bucket, place)
            if found.meta["size"] > limit:
                raise DamagedModelError(f"it is larger than the limit of {limit:,} bytes")
            return bytes(found.bytes())

    def _place(self, key: str) -> str:
        """Return where the content of an object is."""
        return self._newest(key)["path"] if is_document(key) else key

    def _newest(self, key: str) -> "ObjectMeta":
        return newest(key, self._list(key))

    def _newest_number(self, key: str) -> int:
        return max((number_of(item["path"]) for item in self._list(key)), default=0)

    def _version(self, key: str) -> Version | None:
        with suppress(FileNotFoundError), self._asking(key):
            if is_document(key):
                return ObjectState.of(self._newest(key)).version
            if key:
                return ObjectState.of(obstore.head(self._bucket, key)).version
        names = {item["path"].removeprefix(f"{key}/").partition("/")[0] for item in self._list(key)}
        return (" ".join(sorted(names)), 0, 0, 0) if names else None

    def _list(self, prefix: str) -> "list[ObjectMeta]":
        with self._asking(prefix):
            return [item for page in obstore.list(self._bucket, prefix or None) for item in page]

    def _delete(self, place: str) -> None:
        with suppress(FileNotFoundError), self._asking(place):
            obstore.delete(self._bucket, place)
