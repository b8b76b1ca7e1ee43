"""Read an image file, also in the text of base64."""

import base64
import binascii
import re

from service.api.readers.images import Images, Sent, decode_files
from stepbox.errors import InvalidInputError

_DATA_URL = re.compile(r"data:[^,]*?(;base64)?,", re.IGNORECASE)
_URL_SAFE = str.maketrans("-_", "+/", " \t\r\n")


def read_file(sent: Sent) -> Images:
    """Decode a body that is an image file."""
    return list(decode_files([("", sent.data)], sent.spec))


def from_base64(text: str, pointer: str) -> bytes:
    """Decode base64, or a `data:` URL with base64.

    Raises
    ------
    InvalidInputError
        The text is something else, for example the path of a file.
    """
    url = _DATA_URL.match(text)
    try:
        if url and not url[1]:
            raise ValueError("the data: URL has no ;base64")
        data = text[url.end() :] if url else text
        return base64.b64decode(data.translate(_URL_SAFE), validate=True)
    except (ValueError, binascii.Error) as error:
        start = text if len(text) <= 40 else f"{text[:40]}…"
        raise InvalidInputError.at(
            pointer,
            f"must be an image file in base64, perhaps as a data: URL, not '{start}': {error}",
        ) from None
