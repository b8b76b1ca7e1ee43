"""Names of the files in an archive: which are safe, which are ignored, and in what order."""

import re
import unicodedata

from stepbox.errors import InvalidInputError

MOST_CHARACTERS = 1000  # of a name with its folders; file systems allow 255 for each folder
IMAGES = (".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".gif", ".bmp", ".webp", ".tif", ".tiff")
DATA = (".csv", ".npz", ".parquet", "-ubyte", ".idx")
DOCUMENTS = (".txt", ".md", ".rst", ".pdf", ".html", ".json", ".xml", ".yaml", ".yml", ".url")
ARCHIVES = (".zip", ".tar", ".tgz", ".7z", ".rar", ".bz2", ".xz", ".zst")

_DIGITS = re.compile("0*([0-9]+)")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


def natural_key(name: str) -> str:
    """Return a key that sorts names as people do: ``2.png`` before ``10.png``, ``a`` beside ``A``.

    Names that differ only in case or in leading zeros have the same key.
    """
    # The number of digits decides before the digits do.
    return _DIGITS.sub(lambda digits: f"0{chr(len(digits[1]))}{digits[1]}", name.casefold())


def split_name(name: str) -> tuple[str, ...]:
    """Split the name of a file in an archive into its folders and its own name.

    Names are never used as paths of files on this machine. A name that another program could use
    to write elsewhere is still rejected, because such an archive is hostile or damaged.

    Raises
    ------
    InvalidInputError
        The name is absolute, contains ``..`` or control characters, or is too long.
    """
    shown = repr(name[:100])
    if len(name) > MOST_CHARACTERS:
        raise rejected(f"has a file whose name is over {MOST_CHARACTERS} characters long: {shown}…")
    if _CONTROL.search(name):
        raise rejected(f"has a file whose name contains control characters: {shown}")
    # Older Windows programs separate folders by "\"; macOS writes "é" as two characters.
    folders = unicodedata.normalize("NFC", name).replace("\\", "/").split("/")
    if folders[0] == "" or re.fullmatch("[A-Za-z]:.*", folders[0]):
        raise rejected(f"has a file with an absolute name: {shown}")
    if ".." in folders:
        raise rejected(f"has a file whose name contains '..': {shown}")
    return tuple(folder for folder in folders if folder not in {"", "."})


def is_junk(folders: tuple[str, ...]) -> bool:
    """Return whether the operating system made this file, not the user: it is ignored."""
    return not folders or any(
        folder.startswith(".") or folder in {"__MACOSX", "Thumbs.db", "desktop.ini", "@eaDir"}
        for folder in folders
    )


def is_image(name: str) -> bool:
    """Return whether this is the name of an image, in lower case."""
    return name.endswith(IMAGES)


def rejected(detail: str) -> InvalidInputError:
    """Make the error for an archive; `detail` continues "The archive …"."""
    return InvalidInputError.at("", f"the archive {detail}")
