"""The client of a bucket: how it connects, how long it tries, and what its answers mean."""

import errno
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple, Self

import obstore
from obstore.exceptions import BaseError
from obstore.store import ObjectStore as Client
from obstore.store import from_url

from stepbox.errors import UnavailableError
from stepbox.store.objects import PIECE_BYTES, Version, Writer

if TYPE_CHECKING:
    from obstore import ObjectMeta, WritableFile
    from obstore.store import ClientConfig, RetryConfig

_QUOTES = '"'
_CODE = re.compile(r"<Code>(\w+)</Code>")
_NO_BUCKET = re.compile("NoSuchBucket|ContainerNotFound")  # Azure says container
_STATUS = re.compile(r"\b[45]\d\d [A-Z][A-Za-z ]+")


class ObjectState(NamedTuple):
    """Where in the bucket an object is, the service's entity tag of it, and its size in bytes."""

    place: str
    tag: str
    size: int

    @classmethod
    def of(cls, item: "ObjectMeta") -> Self:
        """Take the state from what the service says about an object."""
        return cls(item["path"], (item["e_tag"] or "").strip(_QUOTES), item["size"])

    @property
    def version(self) -> Version:
        """The version, as `ObjectStore.versions` returns it."""
        return f"{self.place} {self.tag}", self.size, 0, 0


def connect(url: str, patience_s: float) -> Client:
    """Make a client for a prefix of a bucket. No request is sent yet.

    Raises UnavailableError if the address or the environment is wrong.
    """
    s = timedelta(seconds=1)
    client: ClientConfig = {
        "allow_http": True,  # only if the address of the service begins with http://
        "connect_timeout": 2 * s,
        "read_timeout": min(patience_s, 30) * s,  # between two pieces of a response
        "timeout": 3600 * s,  # for a whole object, which can be large
    }
    retry: RetryConfig = {
        "max_retries": 1000,
        "retry_timeout": patience_s * s,
        "backoff": {"init_backoff": 0.1 * s, "max_backoff": 5 * s, "base": 2},
    }
    # Services other than Amazon's often have no host name for each bucket.
    options = {"virtual_hosted_style_request": False} if url.startswith("s3:") else {}
    try:
        return from_url(url, client_options=client, retry_config=retry, **options)  # type: ignore[no-any-return, call-overload]
    except BaseError as error:  # for example, an account is missing
        why = f"it cannot be used: {str(error).splitlines()[0]}"
        raise UnavailableError(why, url, refused=True) from error


@contextmanager
def explained(key: str, failed: Callable[[], None] = lambda: None) -> Iterator[None]:
    """Turn the client's errors into those of `ObjectStore`; call `failed` if it does not answer.

    A refusal of one object says nothing about the next request.
    """
    try:
        yield
    except (BaseError, OSError) as error:
        if isinstance(error, FileNotFoundError) and not _NO_BUCKET.search(str(error)):
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), key) from error
        unavailable = _unavailable(error, key)
        if not unavailable.refused:
            failed()
        raise unavailable from error


def _unavailable(error: Exception, key: str) -> UnavailableError:
    """Say briefly why a request failed; the client's message has pages."""
    text = str(error)
    status, code = _STATUS.search(text), _CODE.search(text)
    if not status:
        return UnavailableError("the bucket does not answer", key)
    why = f"the bucket answers {status[0].strip()}" + (f" ({code[1]})" if code else "")
    return UnavailableError(why, key, refused=status[0].startswith("4"))


class BucketWriter(Writer):
    """A multi-part upload, which at most two pieces in memory wait for."""

    def __init__(self, bucket: Client, key: str, changed: Callable[[str], None]) -> None:
        self._key = key
        self._changed = changed
        self._file: WritableFile | None = obstore.open_writer(
            bucket, key, buffer_size=PIECE_BYTES, max_concurrency=2
        )

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Append bytes."""
        assert self._file is not None
        with explained(self._key):
            self._file.write(data)

    def commit(self) -> None:
        """Complete the upload: only now does the object exist."""
        assert self._file is not None
        with explained(self._key):
            self._file.close()
        self._file = None
        self._changed(self._key)

    def abort(self) -> None:
        """Forget the upload, unless it is complete."""
        self._file = None
