"""Decompress files in pieces, up to a limit."""

import gzip
import struct
import zlib
from pathlib import Path

from stepbox.data.readers.part import Limits
from stepbox.errors import InvalidInputError

PIECE = 2**20  # bytes decompressed at a time

# The size of a zip's list of members, in the record at its end, and in that of large files, which
# is before it.
ZIP_END = struct.Struct("<12xL6x")
ZIP64_END = struct.Struct("<40xQ28x")
LONGEST_ZIP_END = ZIP64_END.size + ZIP_END.size + 2**16


def gunzip(path: Path, scratch: Path, limits: Limits) -> Path:
    """Decompress a gzip file.

    Parameters
    ----------
    path
        The gzip file.
    scratch
        An existing folder, in which the decompressed file is created.
    limits
        Its `bytes` is the largest size of the decompressed file.

    Returns
    -------
    Path
        The decompressed file.

    Raises
    ------
    InvalidInputError
        The file is damaged, or larger than the limit when decompressed.
    """
    target = scratch / f"{path.name}.gunzipped"
    size = 0
    try:
        with gzip.open(path) as source, target.open("xb") as sink:
            while piece := source.read(PIECE):
                size += len(piece)
                if size > limits.bytes:
                    raise InvalidInputError.at(
                        "",
                        f"the file is larger than {limits.bytes:,} bytes when decompressed, "
                        "which is the limit",
                    )
                sink.write(piece)
                limits.proceed()
    except (EOFError, gzip.BadGzipFile, zlib.error):
        target.unlink()
        raise InvalidInputError.at("", "the gzip file is damaged or cut off") from None
    except InvalidInputError:
        target.unlink()
        raise
    return target


def check_zip_directory(path: Path, most_members: int) -> None:
    """Reject a zip whose list of members is too long, before `zipfile` reads it into memory.

    Parameters
    ----------
    path
        The zip file.
    most_members
        Largest number of members. Each may take 300 bytes in the list: names are short.

    Raises
    ------
    InvalidInputError
        The list is longer, or the file has no list because it is damaged or cut off.

    References
    ----------
    PKWARE: .ZIP File Format Specification 6.3.10, sections 4.3.14 to 4.3.16.
    """
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - LONGEST_ZIP_END))
        tail = file.read()
    end = len(tail) - ZIP_END.size  # without a comment, as almost always; else the last one
    if end < 0 or not tail.startswith(b"PK\5\6", end):
        end = tail.rfind(b"PK\5\6")
    if end < 0 or len(tail) < end + ZIP_END.size:
        raise InvalidInputError.at("", "the zip file is damaged or cut off")
    (size,) = ZIP_END.unpack_from(tail, end)
    end64 = end - ZIP64_END.size
    if end64 >= 0 and tail.startswith(b"PK\6\6", end64) and tail.startswith(b"PK\6\7", end - 20):
        (size,) = ZIP64_END.unpack_from(tail, end64)
    if size > 300 * most_members:
        raise InvalidInputError.at(
            "", f"the zip file has more than {most_members:,} members, or very long names"
        )
