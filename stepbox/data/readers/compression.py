"""Decompress files in pieces, up to a limit."""

import gzip
import zlib
from pathlib import Path

from stepbox.errors import InvalidInputError

PIECE = 2**20  # bytes decompressed at a time


def gunzip(path: Path, scratch: Path, most_bytes: int) -> Path:
    """Decompress a gzip file.

    Parameters
    ----------
    path
        The gzip file.
    scratch
        An existing folder, in which the decompressed file is created.
    most_bytes
        Largest size of the decompressed file.

    Returns
    -------
    Path
        The decompressed file.

    Raises
    ------
    InvalidInputError
        The file is damaged, or larger than `most_bytes` when decompressed.
    """
    target = scratch / f"{path.name}.gunzipped"
    size = 0
    try:
        with gzip.open(path) as source, target.open("xb") as sink:
            while piece := source.read(PIECE):
                size += len(piece)
                if size > most_bytes:
                    raise InvalidInputError.at(
                        "",
                        f"the file is larger than {most_bytes:,} bytes when decompressed, "
                        "which is the limit",
                    )
                sink.write(piece)
    except (EOFError, gzip.BadGzipFile, zlib.error):
        target.unlink()
        raise InvalidInputError.at("", "the gzip file is damaged or cut off") from None
    except InvalidInputError:
        target.unlink()
        raise
    return target
