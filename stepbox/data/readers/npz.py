"""Read ``.npz`` files, as Keras and NumPy write them."""

import io
import math
import struct
import zlib
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple
from zipfile import ZIP_DEFLATED, ZIP_STORED, BadZipFile, ZipFile, ZipInfo

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from stepbox.data.dataset import Split
from stepbox.data.readers.checks import (
    WHOLE_PIXELS,
    check_bytes,
    check_features,
    check_samples,
    first_invalid_pixel,
    first_missing,
    image_shape,
)
from stepbox.data.readers.compression import PIECE, check_zip_directory
from stepbox.data.readers.labels import MOST_CHARACTERS, Labels
from stepbox.data.readers.part import Limits, Part, no_labels
from stepbox.data.readers.scratch import ArrayFile
from stepbox.errors import InvalidInputError

MOST_ARRAYS = 100
_HEADER_BYTES = 16_384  # NumPy itself refuses headers of more than 10,000 characters

# The names of samples and labels that are known, with the split of the samples.
LAYOUTS: tuple[tuple[tuple[str, str, Split | None], ...], ...] = (
    (("x_train", "y_train", "train"), ("x_test", "y_test", "test")),
    (("images", "labels", None),),
    (("x", "y", None),),
)
EXPECTED = "x_train and y_train (also x_test and y_test), images and labels, or x and y"


class _Array(NamedTuple):
    """The header of an array in the file."""

    name: str
    member: ZipInfo
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    start: int  # bytes of its header


def read_npz(path: Path, scratch: Path, limits: Limits) -> list[Part]:
    """Read samples and labels from an ``.npz`` file.

    Parameters
    ----------
    path
        The file. Arrays of three axes, or of four with 1 or 3 channels at the end, are images;
        arrays of two axes are vectors.
    scratch
        An existing folder for the memory-mapped arrays.
    limits
        What the file may contain.

    Returns
    -------
    list[Part]
        The training and the test part, or a single part without a split.

    Raises
    ------
    InvalidInputError
        The file is damaged or over a limit; its arrays have other names, types or shapes; or a
        value is missing or not a pixel.
    """
    try:
        check_zip_directory(path, MOST_ARRAYS)
        with ZipFile(path) as archive:
            arrays = _headers(archive)
            pairs, unused = _pairs(arrays, limits)
            for samples, labels, _ in pairs:
                _check(samples, labels, limits)
            check_samples(sum(samples.shape[0] for samples, _, _ in pairs), limits)
            check_bytes(sum(_stored_bytes(samples) for samples, _, _ in pairs), limits)
            warnings = [f"The array {name!r} was not used." for name in unused]
            return [
                Part(
                    split,
                    no_labels(samples.shape[0])
                    if labels is None
                    else _read_labels(archive, labels, limits),
                    _read_samples(archive, samples, scratch, limits),
                    warnings=warnings,
                )
                for samples, labels, split in pairs
            ]
    except (
        BadZipFile,
        zlib.error,
        struct.error,
        EOFError,
        UnicodeError,
        NotImplementedError,
    ) as error:
        raise InvalidInputError.at("", f"the .npz file is damaged: {error}") from None


def _headers(archive: ZipFile) -> dict[str, _Array]:
    arrays: dict[str, _Array] = {}
    for member in archive.infolist():
        name = member.filename.removesuffix(".npy")
        if name in arrays:
            raise InvalidInputError.at("", f"the .npz file has two arrays with the name {name!r}")
        if name != member.filename:
            arrays[name] = _header(archive, member, name)
    return arrays


def _header(archive: ZipFile, member: ZipInfo, name: str) -> _Array:
    if member.flag_bits & 1 or member.compress_type not in (ZIP_STORED, ZIP_DEFLATED):
        raise InvalidInputError.at(
            "", f"the array {name!r} is encrypted, or compressed otherwise than NumPy does"
        )
    if member.header_offset < 0:
        raise BadZipFile(f"{name!r} is before the file")
    with archive.open(member) as file:
        # The header's own length is not trusted: NumPy would read as much as it claims.
        head = io.BytesIO(file.read(_HEADER_BYTES))
    try:
        version = npy.read_magic(head)
        read = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
        shape, fortran_order, dtype = read(head)
    except ValueError:
        raise InvalidInputError.at(
            "", f"the array {name!r} has a header that NumPy cannot read"
        ) from None
    if min(shape, default=0) < 0 or not dtype.itemsize:
        raise InvalidInputError.at("", f"the array {name!r} has an impossible shape or type")
    if dtype.hasobject:
        raise InvalidInputError.at(
            "",
            f"the array {name!r} has Python objects, which Stepbox never opens. Convert it to "
            "numbers or strings before np.savez, for example with .astype(str)",
        )
    if fortran_order:
        raise InvalidInputError.at(
            "", f"the array {name!r} is in Fortran order: save np.ascontiguousarray({name})"
        )
    size = head.tell() + math.prod(shape) * dtype.itemsize
    if member.file_size != size:
        raise InvalidInputError.at(
            "",
            f"the array {name!r} has {member.file_size:,} bytes, but its shape {shape} and type "
            f"{dtype} need {size:,}",
        )
    return _Array(name, member, shape, dtype, head.tell())


def _pairs(
    arrays: dict[str, _Array], limits: Limits
) -> tuple[list[tuple[_Array, _Array | None, Split | None]], list[str]]:
    """Return samples, labels and split of each part, and the names of all other arrays."""
    layouts = [layout for layout in LAYOUTS if {layout[0][0], layout[0][1]} <= arrays.keys()]
    if not limits.labels:
        layouts = [layout for layout in LAYOUTS if any(name in arrays for name, _, _ in layout)]
    if len(layouts) != 1:
        problem = "more than one of these" if layouts else "none of these"
        names = ", ".join(repr(name)[:60] for name in arrays)
        raise InvalidInputError.at(
            "", f"an .npz file has the arrays {EXPECTED}. This one has {problem}: {names}"
        )
    pairs: list[tuple[_Array, _Array | None, Split | None]] = []
    for samples, labels, split in layouts[0]:
        if (samples in arrays) != (labels in arrays) and (limits.labels or labels in arrays):
            raise InvalidInputError.at("", f"{samples!r} and {labels!r} belong together")
        if samples in arrays:
            pairs.append((arrays[samples], arrays.get(labels), split))
    used = {array.name for samples, labels, _ in pairs for array in (samples, labels) if array}
    return pairs, [name for name in arrays if name not in used]


def _check(samples: _Array, labels: _Array | None, limits: Limits) -> None:
    if samples.dtype.kind not in "iuf":
        raise InvalidInputError.at(
            "", f"{samples.name!r} has values of type {samples.dtype} instead of numbers"
        )
    if len(samples.shape) == 2 and all(samples.shape):
        check_features(samples.shape[1], limits, repr(samples.name))
    elif len(samples.shape) in (3, 4):
        image_shape(samples.shape, limits, repr(samples.name))
    else:
        raise InvalidInputError.at(
            "",
            f"{samples.name!r} has the shape {samples.shape}. Vectors have the shape (samples, "
            "features), images (samples, height, width) or (samples, height, width, channels)",
        )
    if labels is not None:
        _check_labels(samples, labels)


def _check_labels(samples: _Array, labels: _Array) -> None:
    if labels.dtype.kind not in "iufUS" or (
        labels.dtype.kind in "US" and labels.dtype.itemsize > 4 * MOST_CHARACTERS
    ):
        raise InvalidInputError.at(
            "",
            f"{labels.name!r} has values of type {labels.dtype}; labels are whole numbers, or "
            f"names of up to {MOST_CHARACTERS} characters",
        )
    if labels.shape not in ((samples.shape[0],), (samples.shape[0], 1)):
        raise InvalidInputError.at(
            "",
            f"{labels.name!r} has the shape {labels.shape} instead of ({samples.shape[0]},): "
            f"one label for each sample of {samples.name!r}, and not one-hot",
        )


def _stored_bytes(samples: _Array) -> int:
    return math.prod(samples.shape) * (8 if len(samples.shape) == 2 else 1)


def _blocks(archive: ZipFile, array: _Array) -> Iterator[tuple[int, NDArray[Any]]]:
    """Yield blocks of rows, each with the index of its first row."""
    row_bytes = math.prod(array.shape[1:]) * array.dtype.itemsize
    rows = max(1, PIECE // row_bytes)
    with archive.open(array.member) as file:
        file.read(array.start)
        for first in range(0, array.shape[0], rows):
            count = min(rows, array.shape[0] - first)
            block = file.read(count * row_bytes)
            if len(block) != count * row_bytes:
                raise BadZipFile(f"{array.name!r} is cut off")
            yield first, np.frombuffer(block, array.dtype).reshape(count, *array.shape[1:])
        file.read(1)  # at the end, it compares the checksum


def _read_samples(archive: ZipFile, samples: _Array, scratch: Path, limits: Limits) -> NDArray[Any]:
    images = len(samples.shape) > 2
    shape = image_shape(samples.shape, limits, samples.name) if images else samples.shape
    largest = 0.0
    with ArrayFile(scratch, np.uint8 if images else np.float64, shape[1:]) as target:
        for first, block in _blocks(archive, samples):
            wrong = first_invalid_pixel(block) if images else first_missing(block)
            if wrong is not None:
                at = f"{samples.name}[{', '.join(str(i) for i in (first + wrong[0], *wrong[1:]))}]"
                raise InvalidInputError.at(
                    "",
                    f"{at} is {block[wrong]}; "
                    + (WHOLE_PIXELS if images else "each feature must be a finite number"),
                )
            largest = max(largest, float(block.max()))
            target.append(block.reshape(len(block), *shape[1:]))
            limits.proceed()
        if images and samples.dtype.kind == "f" and largest <= 1:
            raise InvalidInputError.at(
                "", f"{samples.name!r} has only zeros and ones, as floats; {WHOLE_PIXELS}"
            )
        return target.array()


def _read_labels(archive: ZipFile, array: _Array, limits: Limits) -> NDArray[Any]:
    labels = Labels(limits, repr(array.name))
    for first, block in _blocks(archive, array):
        values, indices = np.unique(block.reshape(-1), return_inverse=True)
        try:
            texts = [
                value.decode() if isinstance(value, bytes) else str(value)
                for value in values.tolist()
            ]
        except UnicodeDecodeError:
            raise InvalidInputError.at("", f"{array.name!r} has labels not in UTF-8") from None
        labels.add(texts, indices, partial(_element, array.name, first))
    return labels.array()


def _element(name: str, first: int, index: int) -> str:
    return f"{name}[{first + index}]"
