"""What both kinds of archives have in common: members, in a file that is read in place."""

from collections.abc import Iterator
from typing import NamedTuple, Protocol

CHUNK = 2**20  # bytes that are read, or decompressed, at once


class Member(NamedTuple):
    """A file in an archive, as the archive's headers describe it.

    Attributes
    ----------
    name
        With its folders, as the archive has it.
    bytes
        Size of its content, as the header claims.
    position
        Position of the header that describes it, in the archive.
    start, stored_bytes
        Where the member begins in the archive, and how many bytes of it are its content.
    deflated
        Whether these bytes are compressed.
    checksum
        CRC-32 of its content; None if the archive has none.
    """

    name: str
    bytes: int
    position: int
    start: int
    stored_bytes: int
    deflated: bool = False
    checksum: int | None = None


class Archive(Protocol):
    """An open archive."""

    def __iter__(self) -> Iterator[Member]:
        """Yield the regular files in the order of their headers; nothing is decompressed."""

    def member(self, position: int) -> Member:
        """Read the header at a position again. So an index of millions of files stays small."""

    def chunks(self, member: Member) -> Iterator[bytes]:
        """Yield the content of a member, never more bytes than its header claims."""

    def close(self) -> None:
        """Close the file."""
