"""Read tar files in place, with bounded memory.

Python's `tarfile` parses each header, but a loop of its own replaces `TarFile`, which keeps an
object of about 2 kB for each member, and reads long names and sparse maps of any size.

References
----------
POSIX.1-2017, pax, "ustar Interchange Format" and "pax Extended Header".
"""

import re
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

from stepbox.data.readers.member import CHUNK, Member
from stepbox.data.readers.names import rejected

_BLOCK = tarfile.BLOCKSIZE
_MOST_HEADER = 64 * 1024  # bytes of a long name, or of the attributes of one file
_RECORD = re.compile(rb"([0-9]{1,6}) ([^=]+)=")
_LONG_NAMES = {tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK}
_EXTENDED = {tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.SOLARIS_XHDTYPE}


class TarArchive:
    """An open tar file.

    Parameters
    ----------
    path
        The file, not compressed.
    """

    def __init__(self, path: Path) -> None:
        self._file = path.open("rb")
        self._bytes = path.stat().st_size

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def __iter__(self) -> Iterator[Member]:
        """Yield the regular files in their order."""
        position = 0
        while (found := self._read_header(position)) is not None:
            member, position = found
            if member is not None:
                yield member

    def member(self, position: int) -> Member:
        """Read the headers at a position again."""
        found = self._read_header(position)
        if found is None or found[0] is None:
            raise rejected("is damaged")
        return found[0]

    def _read_header(self, position: int) -> tuple[Member | None, int] | None:
        """Return a file, or None for a folder, and the position after it; None at the end."""
        at, long_name = position, None
        while True:
            self._file.seek(at)
            block = self._file.read(_BLOCK)
            if block.count(0) == len(block):  # two empty blocks end the archive; one is enough
                if long_name is not None:
                    raise rejected("is damaged, or cut off")
                return None
            try:
                header = tarfile.TarInfo.frombuf(block, "utf-8", "surrogateescape")
            except tarfile.HeaderError:
                raise rejected(f"is damaged, or cut off, at byte {at:,}") from None
            start = at + _BLOCK
            after = start + -(-header.size // _BLOCK) * _BLOCK
            if header.size < 0 or start + header.size > self._bytes:
                raise rejected(f"is cut off in {header.name[:100]!r}")
            if header.type in _EXTENDED | _LONG_NAMES:
                if header.size > _MOST_HEADER:
                    raise rejected(f"has a header of {header.size:,} bytes at byte {at:,}")
                content = self._file.read(header.size)
                if header.type == tarfile.GNUTYPE_LONGNAME:
                    long_name = _decode(content.rstrip(b"\0"))
                elif header.type in {tarfile.XHDTYPE, tarfile.SOLARIS_XHDTYPE}:
                    long_name = _name_in(content) or long_name
                at = after
                continue
            name = long_name or header.name
            if header.isdir():
                return None, start
            if header.type not in {tarfile.REGTYPE, tarfile.AREGTYPE, tarfile.CONTTYPE}:
                _reject_kind(header, name)
            return Member(_printable(name), header.size, position, start, header.size), after

    def chunks(self, member: Member) -> Iterator[bytes]:
        """Yield the content of a member."""
        for done in range(0, member.bytes, CHUNK):
            self._file.seek(member.start + done)
            chunk = self._file.read(min(CHUNK, member.bytes - done))
            if not chunk:
                raise rejected(f"is cut off in {member.name[:100]!r}")
            yield chunk


def _reject_kind(header: tarfile.TarInfo, name: str) -> NoReturn:
    kind = "a link" if header.islnk() or header.issym() else "a device or a special file"
    raise rejected(f"has {kind}: {name[:100]!r}. Only files and folders are allowed")


def _name_in(attributes: bytes) -> str | None:
    """Return the name among a file's extended attributes, if there is one."""
    at, name = 0, None
    while at < len(attributes) and attributes[at]:
        record = _RECORD.match(attributes, at)
        end = at + int(record[1]) if record else 0
        if record is None or not record.end() < end <= len(attributes):
            raise rejected("has a damaged header")
        keyword = record[2]
        if keyword == b"path":
            name = _decode(attributes[record.end() : end - 1])
        elif keyword == b"size" or keyword.startswith(b"GNU.sparse"):
            raise rejected("has a sparse file, or one of over 8 GB")
        at = end
    return name


def _decode(name: bytes) -> str:
    return name.decode("utf-8", "surrogateescape")


def _printable(name: str) -> str:
    try:
        name.encode()
    except UnicodeEncodeError:
        raise rejected(f"has a file whose name is not UTF-8: {name[:100]!r}") from None
    return name
