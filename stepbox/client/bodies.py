"""Bodies of requests: JSON, samples to predict, and files that are streamed from the disk."""

from __future__ import annotations

import io
import json
import os
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from mimetypes import guess_type
from pathlib import Path
from typing import Any, Protocol, TypeAlias

import httpx

from stepbox.client.bars import bar
from stepbox.errors import InvalidInputError

PathName: TypeAlias = str | os.PathLike[str]
File: TypeAlias = PathName | bytes
BLOCK_BYTES = 2**16  # of a file, read at once

# Of files whose types Python's table lacks or has differently.
_TYPES = {
    ".npy": "application/x-npy",
    ".npz": "application/x-npz",
    ".parquet": "application/vnd.apache.parquet",
    ".gz": "application/gzip",
    ".tgz": "application/gzip",
    ".webp": "image/webp",
    ".csv": "text/csv",
    ".zip": "application/zip",
}
# How files start, whose names are unknown.
_STARTS = {
    b"\x89PNG": "image/png",
    b"\xff\xd8\xff": "image/jpeg",
    b"GIF8": "image/gif",
    b"BM": "image/bmp",
    b"RIFF": "image/webp",
    b"II*\0": "image/tiff",
    b"MM\0*": "image/tiff",
    b"\x93NUMPY": "application/x-npy",
    b"PK\x03\x04": "application/x-npz",
}
UNKNOWN = "application/octet-stream"


class SupportsArray(Protocol):
    """An array, for example of NumPy or torch."""

    def __array__(self) -> Any:
        """Return it as an array of NumPy."""


Samples: TypeAlias = File | Sequence[File] | Mapping[str, Any] | SupportsArray


@dataclass(frozen=True)
class Body:
    """The body of a request, which can be sent more than once.

    Attributes
    ----------
    content
        Bytes, or a file on the disk.
    type
        Content type.
    parts
        The parts of multipart form data instead: name of the part, and of the file or its bytes.
    progress
        Show a bar while the body is sent, in a terminal or a notebook.
    """

    content: bytes | Path = b""
    type: str = "application/json"
    parts: Sequence[tuple[str, File]] = ()
    progress: bool = False

    def open(self, files: ExitStack) -> dict[str, Any]:
        """Return the arguments of `httpx.Request`.

        Parameters
        ----------
        files
            Closes the files after the request.

        Raises
        ------
        OSError
            A file cannot be read.
        """
        if self.parts:
            opened = [
                (name, (_name(file), _open(files, file), _type_of(file)))
                for name, file in self.parts
            ]
            return {"files": opened}
        headers = {"Content-Type": self.type}
        if isinstance(self.content, bytes):
            return {"content": self.content, "headers": headers}
        file = files.enter_context(self.content.open("rb"))
        size = os.fstat(file.fileno()).st_size
        headers["Content-Length"] = str(size)
        options = {"total": size, "unit": "B", "unit_scale": True, "leave": False}
        shown = files.enter_context(bar(self.progress, desc=self.content.name, **options))
        return {"stream": _FileStream(file, size, shown), "headers": headers}


class _FileStream(httpx.SyncByteStream, httpx.AsyncByteStream):
    """The content of an open file, for both clients."""

    def __init__(self, file: Any, size: int, bar: Any) -> None:
        self._file, self._size, self._bar = file, size, bar

    def __iter__(self) -> Iterator[bytes]:
        left = self._size  # a file that grows meanwhile must not exceed its Content-Length
        while left and (block := self._file.read(min(left, BLOCK_BYTES))):
            yield block
            left -= len(block)
            self._bar.update(len(block))

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for block in self:
            yield block


def _name(file: File) -> str:
    return "file" if isinstance(file, bytes) else Path(file).name


def _open(files: ExitStack, file: File) -> Any:
    return file if isinstance(file, bytes) else files.enter_context(Path(file).open("rb"))


def _type_of(file: File) -> str:
    if isinstance(file, bytes):
        found = (kind for start, kind in _STARTS.items() if file.startswith(start))
        return next(found, UNKNOWN)
    path = Path(file)
    return _TYPES.get(path.suffix.lower()) or guess_type(path.name)[0] or UNKNOWN


def json_body(values: Mapping[str, Any]) -> Body:
    """Return a JSON object as a body. Arrays become lists.

    Raises
    ------
    InvalidInputError
        A number is infinite or not a number, so JSON cannot have it.
    """
    try:
        text = json.dumps(values, default=_plain, allow_nan=False)
    except ValueError as error:
        raise InvalidInputError.at("", f"the body cannot be JSON: {error}") from None
    return Body(text.encode())


def given(**values: Any) -> dict[str, Any]:
    """Return the values that are not None."""
    return {name: value for name, value in values.items() if value is not None}


def _plain(value: Any) -> Any:
    if hasattr(value, "tolist"):
        return value.tolist()
    raise TypeError(f"{type(value).__name__} is no JSON value")


def file_body(file: File, content_type: str | None = None) -> Body:
    """Return the body that is a file. Its content type follows from its name, or how it starts."""
    content = file if isinstance(file, bytes) else Path(file)
    return Body(content, content_type or _type_of(file))


def samples_body(samples: Samples) -> Body:
    """Return the body of a prediction.

    Parameters
    ----------
    samples
        The name of a file, or its bytes: an image, ``.npy``, ``.npz``, CSV or JSON. Several images,
        as a list of these. An array: images of shape (n, height, width) or vectors. Or a JSON
        object as the API takes it, such as ``{"inputs": [[5.1, 3.5, 1.4, 0.2]]}``.

    Raises
    ------
    TypeError
        It is none of these.
    """
    if isinstance(samples, str | os.PathLike | bytes):
        return file_body(samples)
    if isinstance(samples, Mapping):
        return json_body(samples)
    if hasattr(samples, "__array__"):
        import numpy as np  # imported here: only arrays need it

        file = io.BytesIO()
        np.save(file, np.asarray(samples), allow_pickle=False)
        return Body(file.getvalue(), "application/x-npy")
    if isinstance(samples, Sequence) and samples:
        parts = [("image", one) for one in samples if isinstance(one, str | os.PathLike | bytes)]
        if len(parts) == len(samples):
            return Body(parts=parts)
        raise TypeError('numbers are ambiguous: pass an array, {"images": …} or {"inputs": …}')
    raise TypeError("samples must be files, their bytes, an array, or a JSON object as a mapping")


def upload_body(file: File | Mapping[str, File], progress: bool) -> Body:
    """Return the body of an upload: a file, or several by the names of their parts."""
    if isinstance(file, Mapping):
        return Body(parts=[*file.items()])
    body = file_body(file)
    return Body(body.content, body.type, progress=progress)
