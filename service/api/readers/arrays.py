"""Read samples from NumPy's array files, .npy and .npz."""

import io
import math
import zipfile
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from service.api.readers.images import Images, Sent, check_shape, input_name, to_samples
from stepbox.data.dataset import DatasetSpec
from stepbox.errors import InvalidInputError

MOST_MEMBERS = 100  # of a .npz file
MOST_ARRAY_BYTES = 32 * 2**20  # of the array of a .npz file, decompressed

_HEADERS = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
}


def read_npy(sent: Sent) -> Images:
    """Read a .npy file of samples."""
    return to_samples(_array(sent.data, sent.spec), sent.scale, "", sent.spec)


def read_npz(sent: Sent) -> Images:
    """Read the array of samples of a .npz file: the only one, or the one with a usual name."""
    if sent.data.count(b"PK\x01\x02") > MOST_MEMBERS:  # checked before `zipfile` lists them
        raise InvalidInputError.at("", f"must hold at most {MOST_MEMBERS} arrays")
    try:
        with zipfile.ZipFile(io.BytesIO(sent.data)) as file:
            members = [one for one in file.infolist() if not one.is_dir()]
            member = _choose(members, (input_name(sent.spec), "x_test"))
            with file.open(member) as stream:
                data = stream.read(member.file_size)
    except InvalidInputError:
        raise
    except Exception as error:  # `zipfile` raises a dozen types for damaged and hostile files
        raise InvalidInputError.at("", f"is not a .npz file: {error}") from None
    return to_samples(_array(data, sent.spec), sent.scale, "", sent.spec)


def _choose(members: list[zipfile.ZipInfo], usual: tuple[str, ...]) -> zipfile.ZipInfo:
    names = [one.filename.removesuffix(".npy") for one in members]
    named = [one for one, name in zip(members, names, strict=True) if name in usual]
    if len(named) != 1 and len(members) != 1:
        raise InvalidInputError.at(
            "",
            f"must hold one array, or one of several must be named {' or '.join(usual)}; "
            f"it holds {', '.join(names) or 'none'}",
        )
    (member,) = named if len(named) == 1 else members
    if member.file_size > MOST_ARRAY_BYTES:
        raise InvalidInputError.at(
            "", f"must hold at most {MOST_ARRAY_BYTES:,} bytes, not {member.file_size:,}"
        )
    # Other methods may take gigabytes, whatever the size of the array.
    if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED) or (
        member.flag_bits & 1
    ):
        raise InvalidInputError.at("", "must be compressed by deflate or not, and not encrypted")
    return member


def _array(data: bytes, spec: DatasetSpec) -> NDArray[Any]:
    """Read an array of numbers that has the shape of samples. Check its header before its data."""
    stream = io.BytesIO(data)
    try:
        version = np.lib.format.read_magic(stream)
        shape, fortran_order, dtype = _HEADERS[version](stream)
        shape = tuple(np.array(shape, np.int64).tolist())  # raises an error if a side is too large
    except Exception as error:  # NumPy raises a dozen types for hostile headers
        raise InvalidInputError.at("", f"is not a .npy array: {error}") from None
    if dtype.kind not in "biuf":
        raise InvalidInputError.at("", f"must have integers or floats, not {dtype}")
    check_shape(shape, "", spec)
    start, size = stream.tell(), math.prod(shape) * dtype.itemsize
    if len(data) - start != size:
        raise InvalidInputError.at(
            "", f"must hold {size:,} bytes after its header, not {len(data) - start:,}"
        )
    order: Literal["F", "C"] = "F" if fortran_order else "C"
    return np.frombuffer(data, dtype, offset=start).reshape(shape, order=order)
