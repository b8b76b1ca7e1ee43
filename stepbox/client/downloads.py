"""The files that downloads are written to, for both clients."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import Message
from pathlib import Path, PurePosixPath
from typing import Any

import httpx

from stepbox.client.requests import Request, content
from stepbox.errors import InvalidInputError

# Suffixes that name a format. A file with any other suffix, or with none, may have any content.
FORMATS = frozenset(
    {".csv", ".jpeg", ".jpg", ".json", ".npy", ".npz", ".onnx", ".parquet", ".png", ".safetensors"}
    | {".zip"}
)


def check_is_file(wanted: Request[Any]) -> None:
    """Raise InvalidInputError if the response of a request is no file (``/operation``)."""
    if wanted.read is not content:
        detail = f"must return a file, which {wanted.method} {wanted.template} does not"
        raise InvalidInputError.at("/operation", detail)


@contextmanager
def new_file(path: Path, wanted: Request[bytes], response: httpx.Response) -> Iterator[Any]:
    """Open a temporary file, which becomes the file `path` if the context ends without error.

    Parameters
    ----------
    path
        The file to write.
    wanted, response
        The request, and its response, which is about to be written.

    Raises
    ------
    InvalidInputError
        The suffix of the path names a format that the file does not have (``/path``).
    OSError
        The file cannot be written.
    """
    _check_suffix(path, _suffix_of(wanted, response))
    try:
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=".", delete=False) as file:
            try:
                yield file
                file.flush()
                umask = os.umask(0)
                os.umask(umask)
                Path(file.name).chmod(0o666 & ~umask)  # as of an ordinary new file
                Path(file.name).replace(path)
            except BaseException:
                Path(file.name).unlink(missing_ok=True)
                raise
    except OSError as error:  # names the temporary file
        raise OSError(error.errno, error.strerror, str(path)) from error


def _suffix_of(wanted: Request[bytes], response: httpx.Response) -> str:
    """Return the suffix of the server's file; empty if the server does not name the file."""
    header = Message()
    header["Content-Disposition"] = response.headers.get("Content-Disposition", "")
    return PurePosixPath(header.get_filename() or wanted.template).suffix.lower()


def _check_suffix(path: Path, found: str) -> None:
    suffix = path.suffix.lower()
    if found and suffix in FORMATS and suffix != found:
        detail = (
            f"must end in {found}, like the file that the server sends, not in {path.suffix}; "
            "if the method has a parameter `format`, that chooses the file"
        )
        raise InvalidInputError.at("/path", detail)
