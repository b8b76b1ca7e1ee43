"""The names of the formats, without what writes them."""

from pathlib import Path
from typing import Literal, get_args

from stepbox.errors import InvalidInputError

Format = Literal["onnx", "npz", "torch"]
FORMATS: tuple[Format, ...] = get_args(Format)
_BY_SUFFIX: dict[str, Format] = {".onnx": "onnx", ".npz": "npz", ".zip": "torch"}


def format_of(path: Path) -> Format:
    """Return the format that the name of a file stands for; raise InvalidInputError if none."""
    suffix = path.suffix.lower()
    if suffix not in _BY_SUFFIX:
        names = ", ".join(f"*{one}" for one in _BY_SUFFIX)
        raise InvalidInputError.at("/format", f"must be given, unless the file is one of {names}")
    return _BY_SUFFIX[suffix]
