"""Tell the format of an upload from its first bytes."""

import codecs
import struct
from pathlib import Path
from typing import Literal

from stepbox.errors import InvalidInputError

Kind = Literal["npz", "zip", "tar", "gzip", "parquet", "idx", "csv"]

FIRST_BYTES = 4096  # enough for the header of a tar, and for the first names of a table

ACCEPTED = (
    "a zip or tar with one folder of images per class, CSV, .npz, Parquet, IDX files, "
    "or gzip of one of these"
)

# Magic numbers, as in the file(1) database.
_KINDS: tuple[tuple[bytes, Kind], ...] = (
    (b"\x1f\x8b", "gzip"),
    (b"PAR1", "parquet"),
    (b"\0\0\x08", "idx"),
)
_CODES = (0x09, 0x0B, 0x0C, 0x0D, 0x0E)  # of the other element types of IDX
_REJECTED = (
    (b"%PDF", "a PDF"),
    (b"\xd0\xcf\x11\xe0", "an old Excel or Word file: save the table as CSV"),
    (b"MATLAB ", "a MATLAB file: save its arrays as .npz"),
    (b"\x89HDF", "an HDF5 file (.h5, or .mat of MATLAB 7.3): save its arrays as .npz"),
    (b"\x93NUMPY", "a single NumPy array: save images and labels together with np.savez"),
    (b"\x80", "a pickle, which Stepbox never opens: save its arrays as .npz"),
    (b"\xff\xd8\xff", "a single JPEG image: put the images of each class into a folder, and zip"),
    (b"\x89PNG", "a single PNG image: put the images of each class into a folder, and zip"),
    (b"GIF8", "a single GIF image: put the images of each class into a folder, and zip"),
    (b"PARE", "an encrypted Parquet file"),
    (b"ARROW1", "an Arrow file: save it as Parquet"),
    (b"FEA1", "a Feather file: save it as Parquet"),
    (b"SQLite format 3", "an SQLite database: save the table as CSV"),
    (b"BZh", "compressed with bzip2: use gzip or zip"),
    (b"\xfd7zXZ", "compressed with xz: use gzip or zip"),
    (b"\x28\xb5\x2f\xfd", "compressed with Zstandard: use gzip or zip"),
    (b"7z\xbc\xaf", "a 7z archive: use zip"),
    (b"Rar!", "a RAR archive: use zip"),
    (b"\xff\xfe", "text in UTF-16: save it as UTF-8"),
    (b"\xfe\xff", "text in UTF-16: save it as UTF-8"),
    *((bytes((0, 0, code)), "an IDX file of numbers other than unsigned bytes") for code in _CODES),
    (b"{", "JSON: save the table as CSV"),
    (b"[", "JSON: save the table as CSV"),
    (b"<", "HTML or XML: save the table as CSV"),
)
_OFFICE = ("[Content_Types].xml", "_rels/", "docProps/", "xl/", "word/", "ppt/", "mimetype")


def kind_of(path: Path) -> Kind:
    """Tell the format of a file, as `kind_of_start` does."""
    with path.open("rb") as file:
        return kind_of_start(file.read(FIRST_BYTES))


def kind_of_start(first: bytes) -> Kind:
    """Tell the format of a file from its first bytes.

    Parameters
    ----------
    first
        The first `FIRST_BYTES` bytes, or the whole file if it is shorter.

    Returns
    -------
    Kind
        ``npz`` is a zip whose first member is a ``.npy``. ``csv`` is any text in UTF-8 that has a
        comma, semicolon or tab.

    Raises
    ------
    InvalidInputError
        The file is empty or of another format; the error says which one, if that is known.
    """
    if not first:
        raise InvalidInputError.at("", f"the file is empty. Send {ACCEPTED}")
    if first.startswith((b"PK\3\4", b"PK\5\6")):
        return _kind_of_zip(first)
    for magic, kind in _KINDS:
        if first.startswith(magic):
            return kind
    if first[257:262] == b"ustar":
        return "tar"
    if first[4:8] == b"ftyp":
        raise _rejected("a HEIC or AVIF image, or a video: convert photographs to JPEG or PNG")
    for magic, description in _REJECTED:
        if first.startswith(magic):
            raise _rejected(description)
    if _is_text(first) and any(separator in first for separator in (b",", b";", b"\t")):
        return "csv"
    raise InvalidInputError.at("", f"the format of the file is unknown. Send {ACCEPTED}")


def _kind_of_zip(first: bytes) -> Kind:
    # The name of the first member is after 30 bytes, its length before 2 other ones.
    (length,) = struct.unpack("<26xHxx", first[:30].ljust(30, b"\0"))
    name = first[30 : 30 + length].decode("utf-8", "replace")
    if name.startswith(_OFFICE):
        raise _rejected("an Excel, Word or OpenDocument file: save the table as CSV")
    return "npz" if name.endswith(".npy") else "zip"


def _is_text(first: bytes) -> bool:
    try:  # the last character may be cut
        text = codecs.getincrementaldecoder("utf-8-sig")().decode(first)
    except UnicodeDecodeError:
        return False
    return all(character >= " " or character in "\t\r\n" for character in text)


def _rejected(description: str) -> InvalidInputError:
    return InvalidInputError.at("", f"the file is {description}. Send {ACCEPTED}")
