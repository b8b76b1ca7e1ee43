"""Zip archives with nothing in them that differs between two equal models."""

import io
import zipfile
from collections.abc import Mapping

EARLIEST = (1980, 1, 1, 0, 0, 0)  # the first time that a zip archive can name
FILE_MODE = 0o644


def write_zip(files: Mapping[str, bytes]) -> bytes:
    """Return an archive of these files by name. They are stored, because weights do not compress.

    Equal files give equal archives: none contains a time.
    """
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in files.items():
            info = zipfile.ZipInfo(name, EARLIEST)
            info.external_attr = FILE_MODE << 16
            archive.writestr(info, content)
    return buffer.getvalue()
