"""Read zip files in place, strictly.

Python's `zipfile` makes an object of almost 1 kB for each member before anything can be checked,
and accepts files that two programs read in two different ways. This reader reads one entry of the
directory at a time, and rejects everything unusual: gaps between the directory and the end of the
file, encryption, links, several volumes, rare compression methods, and headers that contradict each
other.

References
----------
PKWARE, .ZIP File Format Specification (APPNOTE.TXT) 6.3.10, sections 4.3 and 4.4.
"""

import os
import stat
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from stepbox.data.readers.member import CHUNK, Member
from stepbox.data.readers.names import rejected

_END = struct.Struct("<4s4H2IH")
_LOCATOR = struct.Struct("<4sIQI")
_END64 = struct.Struct("<4sQ2H2I4Q")
_ENTRY = struct.Struct("<4s6H3I5H2I")
_LOCAL = struct.Struct("<4s5H3I2H")
_MOST_COMMENT = 2**16 - 1
_FULL16, _FULL32 = 2**16 - 1, 2**32 - 1  # "see the 64-bit field"
_ZIP64 = 1
_ENCRYPTED = 1 | 1 << 6 | 1 << 13
_UTF8 = 1 << 11
_STORED, _DEFLATED = 0, 8
_UNIX = {3, 19}  # and macOS: these programs store the kind of a file

_DAMAGED = "is damaged, or not a standard zip file"


class _Directory(NamedTuple):
    entries: int
    start: int
    end: int


class ZipArchive:
    """An open zip file.

    Parameters
    ----------
    path
        The file.
    most
        Largest number of files, for the message if the directory claims more. Each file of a Mac
        may have a second entry, which is ignored later.
    """

    def __init__(self, path: Path, most: int) -> None:
        self._file = path.open("rb")
        self._bytes = path.stat().st_size
        try:
            self._directory = self._find_directory()
            if self._directory.entries > 3 * most + 1000:  # two for each file, and the folders
                raise rejected(
                    f"has {self._directory.entries:,} entries: {most:,} files are allowed"
                )
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _read(self, start: int, length: int) -> bytes:
        """Return this part of the file; less if the file ends before."""
        return os.pread(self._file.fileno(), length, start)

    def _find_directory(self) -> _Directory:
        before = max(0, self._bytes - _END.size - _MOST_COMMENT)
        tail = self._read(before, self._bytes - before)
        at = tail.rfind(b"PK\5\6")
        if at < 0 or at + _END.size > len(tail):
            raise rejected("is cut off: its directory, at the end of the file, is missing")
        _, disk, first_disk, here, count, length, start, comment = _END.unpack_from(tail, at)
        if at + _END.size + comment != len(tail):
            raise rejected(_DAMAGED)
        at += before
        found = _Directory(count, start, at)
        claims, full = (disk, first_disk, here, count, length, start), at - _LOCATOR.size
        locator = self._read(full, _LOCATOR.size) if full >= 0 else b""
        if locator.startswith(b"PK\6\7"):
            _, _, end64, disks = _LOCATOR.unpack(locator)
            if disks != 1 or end64 + _END64.size > full:
                raise rejected(_DAMAGED)
            signature, more, _, _, *claims64 = _END64.unpack(self._read(end64, _END64.size))
            if signature != b"PK\6\6":
                raise rejected(_DAMAGED)
            disk, first_disk, here, count, length, start = claims64
            for claim, claim64, top in zip(
                claims, claims64, [_FULL16] * 4 + [_FULL32] * 2, strict=True
            ):
                if claim not in {claim64, top}:
                    raise rejected(_DAMAGED)
            if end64 + 12 + more != full:
                raise rejected(_DAMAGED)
            found = _Directory(count, start, end64)
        if disk or first_disk or here != count:
            raise rejected("has several volumes: only a single zip file is accepted")
        if found.start + length != found.end:
            raise rejected(_DAMAGED)
        return found

    def __iter__(self) -> Iterator[Member]:
        """Yield the regular files in the order of the directory."""
        position, entries = self._directory.start, 0
        while position < self._directory.end:
            member, after = self._read_entry(position)
            if not member.name.endswith("/"):
                yield member
            position, entries = after, entries + 1
        # Some programs for the Mac write larger numbers without the 64-bit fields.
        if entries % 2**16 != self._directory.entries % 2**16:
            raise rejected(_DAMAGED)

    def member(self, position: int) -> Member:
        """Read the directory's entry at a position again."""
        return self._read_entry(position)[0]

    def _read_entry(self, position: int) -> tuple[Member, int]:
        """Return a member, and the position of the next entry."""
        body = position + _ENTRY.size
        if body > self._directory.end:
            raise rejected(_DAMAGED)
        fields = _ENTRY.unpack(self._read(position, _ENTRY.size))
        signature, made_by, _, flags, method, _, _, checksum, stored, size, *rest = fields
        name_length, extra_length, comment_length, disk, _, external, start = rest
        after = body + name_length + extra_length + comment_length
        if signature != b"PK\1\2" or after > self._directory.end:
            raise rejected(_DAMAGED)
        name = _decode(self._read(body, name_length), flags)
        if _FULL32 in {size, stored, start}:
            extra = self._read(body + name_length, extra_length)
            size, stored, start = _widen(extra, size, stored, start)
        shown = repr(name[:100])
        if flags & _ENCRYPTED:
            raise rejected(f"has an encrypted file: {shown}")
        kind = stat.S_IFMT(external >> 16) if made_by >> 8 in _UNIX else 0
        if kind not in {0, stat.S_IFREG, stat.S_IFDIR}:
            raise rejected(f"has a link or a device: {shown}. Only files and folders are allowed")
        if method not in {_STORED, _DEFLATED}:
            raise rejected(
                f"has a file with compression method {method}: {shown}. Use Deflate, the standard"
            )
        if disk or start + _LOCAL.size + name_length + stored > self._directory.start:
            raise rejected(_DAMAGED)
        if method == _STORED and stored != size:
            raise rejected(f"has contradictory sizes for {shown}")
        deflated = method == _DEFLATED
        return Member(name, size, position, start, stored, deflated, checksum), after

    def chunks(self, member: Member) -> Iterator[bytes]:
        """Yield the content of a member, never more bytes than its header claims."""
        shown = repr(member.name[:100])
        header = self._read(member.start, _LOCAL.size)
        signature, _, flags, method, *_, length, extra = _LOCAL.unpack(header)
        name = _decode(self._read(member.start + _LOCAL.size, length), flags)
        start = member.start + _LOCAL.size + length + extra
        end = start + member.stored_bytes
        if (signature, name) != (b"PK\3\4", member.name) or end > self._directory.start:
            raise rejected(f"is damaged at {shown}")
        if (method == _DEFLATED) != member.deflated or flags & _ENCRYPTED:
            raise rejected(f"has contradictory headers for {shown}")
        left, checksum = member.bytes, 0
        packed = (self._read(at, min(CHUNK, end - at)) for at in range(start, end, CHUNK))
        for chunk in _inflate(packed) if member.deflated else packed:
            left -= len(chunk)
            if left < 0:
                raise rejected(f"has a file that is larger than the archive says: {shown}")
            checksum = zlib.crc32(chunk, checksum)
            yield chunk
        if left or checksum != member.checksum:
            raise rejected(f"has a damaged file: {shown}")


def _inflate(stored: Iterator[bytes]) -> Iterator[bytes]:
    """Decompress these bytes, in chunks of at most 1 MiB."""
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        for packed in stored:
            while packed and not inflater.eof:
                yield inflater.decompress(packed, CHUNK)
                packed = inflater.unconsumed_tail
        while not inflater.eof:
            chunk = inflater.decompress(b"", CHUNK)
            if not chunk:
                return  # cut off: the checksum says so
            yield chunk
    except zlib.error as error:
        raise rejected(f"has a damaged file: {error}") from None


def _widen(extra: bytes, size: int, stored: int, start: int) -> tuple[int, int, int]:
    """Replace the fields that do not fit into 32 bits by those of the extra field."""
    at = 0
    while at + 4 <= len(extra):
        kind, length = struct.unpack_from("<2H", extra, at)
        if kind == _ZIP64:
            content = extra[at + 4 : at + 4 + length]
            wide = list(struct.unpack_from(f"<{len(content) // 8}Q", content))
            fields = [
                wide.pop(0) if field == _FULL32 and wide else field
                for field in (size, stored, start)
            ]
            return fields[0], fields[1], fields[2]
        at += 4 + length
    return size, stored, start


def _decode(name: bytes, flags: int) -> str:
    """Decode a name. Many programs write UTF-8 without the flag for it."""
    try:
        return name.decode()
    except UnicodeDecodeError:
        if flags & _UTF8:
            raise rejected(f"has a file whose name is not UTF-8: {name[:100]!r}") from None
        return name.decode("cp437")
