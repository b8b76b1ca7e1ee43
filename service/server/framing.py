"""Find the head of a request, check it, and cut its body into pieces that can be parsed."""

import re
from itertools import chain

MOST_HEAD_BYTES = 16_384  # maximum size of the target and the headers
CHUNKED = -1  # stands for the unknown length of a chunked body
CHUNKED_BYTES = 4_096  # part of a chunked body that is parsed in one step
TOO_LONG = f"A request's target and headers may have at most {MOST_HEAD_BYTES:,} bytes."

_END_OF_HEAD = b"\r\n\r\n"
_END_OF_CHUNKS = b"\r\n0\r\n\r\n"
_FIRST_BYTES_OF_A_HEAD = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ\r\n")
_UPGRADE = re.compile(rb"\r\nupgrade(?=[ \t]*:)", re.IGNORECASE)


class HeadError(Exception):
    """A head is rejected.

    Attributes
    ----------
    status
        The status to respond with.
    """

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(detail)
        self.status = status


def too_long(target: bytes) -> HeadError:
    """Return the error for a head that is too long."""
    return HeadError(414 if len(target) > MOST_HEAD_BYTES else 431, TOO_LONG)


def check_head(target: bytes, headers: list[tuple[bytes, bytes]], version: str) -> int:
    """Check a head and return the length of the body, or `CHUNKED`.

    Parameters
    ----------
    target
        The target in the request line.
    headers
        Pairs of a name in lower case and a value.
    version
        The version of HTTP.

    Raises
    ------
    HeadError
        The head is too long or ambiguous, or its transfer coding is not supported.
    """
    if len(target) + sum(map(len, chain.from_iterable(headers))) > MOST_HEAD_BYTES:
        raise too_long(target)
    names = [name for name, _ in headers]
    hosts = names.count(b"host")
    if hosts > 1 or (not hosts and version == "1.1"):
        raise HeadError(400, f"A request must have exactly one Host header, not {hosts}.")
    if b"transfer-encoding" in names:
        codings = [value.strip().lower() for name, value in headers if name == b"transfer-encoding"]
        if codings != [b"chunked"]:
            raise HeadError(501, "The only supported transfer coding is `chunked`.")
        if version != "1.1":
            raise HeadError(400, f"HTTP/{version} has no transfer codings.")
        return CHUNKED
    return int(dict(headers).get(b"content-length", 0))


def take_piece(unread: bytearray, body_left: int | None) -> bytes:
    """Take what can be parsed in one step.

    Bytes of the next request stay in `unread`, except after a chunked body.

    Parameters
    ----------
    unread
        The bytes received. The bytes taken are removed from it.
    body_left
        Bytes of the current request's body still to come, or `CHUNKED`. None if a head is next.

    Returns
    -------
    bytes
        A complete head, a piece of a body, or bytes that cannot become a head. Empty if more bytes
        are needed.
    """
    size = len(unread)
    if body_left is None:
        end = unread.find(_END_OF_HEAD)
        if end >= 0:
            size = end + len(_END_OF_HEAD)
        elif size <= MOST_HEAD_BYTES and size and unread[0] in _FIRST_BYTES_OF_A_HEAD:
            return b""
    elif body_left == CHUNKED:
        last = unread.rfind(_END_OF_CHUNKS, 0, CHUNKED_BYTES)
        size = min(size, CHUNKED_BYTES if last < 0 else last + len(_END_OF_CHUNKS))
    else:
        size = min(size, body_left)
    piece = bytes(unread[:size])
    del unread[:size]
    return piece


def hide_upgrade(head: bytes) -> bytes:
    """Rename the Upgrade header, after which the parser would expect another protocol.

    A server may ignore this header (RFC 9110, 7.8).
    """
    return _UPGRADE.sub(b"\r\nx-upgrade", head)
