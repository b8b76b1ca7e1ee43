"""Read and write the bodies of inference requests: tensors as JSON or as binary data.

Binary data follows the JSON, as defined by the protocol's "binary tensor data" extension: it is
little-endian, row by row, without gaps. All sizes are checked before any data is read.
"""

from collections.abc import Iterator
from math import prod
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from service.api.inference.schemas import (
    HEAD_LENGTH,
    VERSION,
    InferenceRequest,
    InputTensor,
    RequestedOutput,
)
from service.api.predict.answer import Classified
from service.api.readers.images import (
    Images,
    Pixels,
    check_count,
    decode_files,
    describe_input,
    input_name,
    to_samples,
)
from service.api.readers.json_images import read_values
from service.api.readers.number_lists import cut_numbers, first_fault
from service.bodies.json_body import parse_object
from stepbox.data.dataset import DatasetSpec
from stepbox.errors import InvalidInputError

OUTPUTS = ("probabilities", "logits")  # attributes of `Classified`

_POINTER = "/inputs/0/data"
_SIZE_POINTER = "/inputs/0/parameters/binary_data_size"
_NUMBERS: dict[str, np.dtype[Any]] = {
    "UINT8": np.dtype(np.uint8),
    "FP32": np.dtype("<f4"),
    "FP64": np.dtype("<f8"),
}


def read_inference(
    body: bytes, head_length: int | None, spec: DatasetSpec
) -> tuple[InferenceRequest, Images]:
    """Read the body of an inference request.

    Parameters
    ----------
    body
        JSON, and after it perhaps binary data.
    head_length
        Length of the JSON in bytes. None if the whole body is JSON.
    spec
        The data set of the model.

    Returns
    -------
    tuple[InferenceRequest, Images]
        The request, and its samples: an array of numbers, or image files that are decoded one by
        one, while they are iterated.

    Raises
    ------
    InvalidInputError, pydantic.ValidationError
        A size or a value is invalid.
    BadRequest
        The JSON is invalid.
    """
    start = len(body) if head_length is None else head_length
    if start > len(body):
        raise InvalidInputError.at(
            f"/{HEAD_LENGTH}", f"must be at most the body's {len(body):,} bytes, not {start:,}"
        )
    head, numbers = cut_numbers(body[:start], "data", _POINTER, spec)
    request = InferenceRequest.model_validate(parse_object(head))
    if numbers is not None and request.inputs[0].data != []:  # the "data" was not the tensor's
        request, numbers = InferenceRequest.model_validate(parse_object(body[:start])), None
    (tensor,) = request.inputs
    _check_tensor(tensor, spec)
    said, sent, scale = (
        tensor.parameters.binary_data_size,
        len(body) - start,
        request.parameters.scale,
    )
    if said is None and sent:
        raise InvalidInputError.at(_SIZE_POINTER, f"is missing, but {sent:,} bytes follow")
    if said is not None and tensor.data is not None:
        raise InvalidInputError.at(_POINTER, "cannot be combined with binary_data_size")
    if tensor.datatype == "BYTES":
        if scale is not None:
            raise InvalidInputError.at("/parameters/scale", "is for numbers, not for image files")
        if said is None:
            return request, _read_texts(tensor, spec)
        _check_size(said, sent, None)
        return request, decode_files(_cut_files(body, start, tensor.shape[0]), spec)
    kind = _NUMBERS[tensor.datatype]
    if said is None:
        numbers = _read_numbers(tensor, numbers, spec)
    else:
        _check_size(said, sent, prod(tensor.shape) * kind.itemsize)
        numbers = np.frombuffer(body, kind, offset=start)
    return request, to_samples(numbers, scale, _POINTER, spec)


def datatypes(spec: DatasetSpec) -> tuple[str, ...]:
    """Return the datatypes that a model takes; the first one is its own."""
    return ("UINT8", "FP32", "BYTES") if spec.kind == "images" else ("FP64", "FP32")


def _check_tensor(tensor: InputTensor, spec: DatasetSpec) -> None:
    for name, value, known in (
        ("name", tensor.name, (input_name(spec),)),
        ("datatype", tensor.datatype, datatypes(spec)),
    ):
        if value not in known:
            raise InvalidInputError.at(
                f"/inputs/0/{name}",
                f"must be {' or '.join(known)}, not {value}, because {describe_input(spec)}",
            )
    count, *rest = tensor.shape
    allowed = ([], [1]) if tensor.datatype == "BYTES" else ([*spec.shape],)
    if rest not in allowed:
        forms = " or ".join(str(["n", *form]).replace("'", "") for form in allowed)
        raise InvalidInputError.at(
            "/inputs/0/shape", f"must be {forms} for {tensor.datatype}, not {tensor.shape}"
        )
    check_count(count, "/inputs/0/shape/0", spec)


def _check_size(said: int, sent: int, size: int | None) -> None:
    """Raise InvalidInputError if binary data has another size than its tensor."""
    size = said if size is None else size
    if not said == sent == size:
        raise InvalidInputError.at(
            _SIZE_POINTER,
            f"must be {size:,} for this tensor, and that many bytes must follow the JSON; "
            f"it is {said:,}, and {sent:,} bytes follow",
        )


def _read_numbers(tensor: InputTensor, numbers: Pixels | None, spec: DatasetSpec) -> NDArray[Any]:
    """Check the numbers of JSON, which are flat or nested like the shape of their tensor."""
    shape = tuple(tensor.shape)
    if numbers is None:
        data = tensor.data or []
        nested = isinstance(next(iter(data), None), list)
        fault = first_fault(data, shape if nested else (prod(shape),), _POINTER, spec.kind)
        if fault:
            raise InvalidInputError([fault])
        numbers = np.array(data)
    elif numbers.size != prod(shape) or (numbers.ndim > 1 and numbers.shape != shape):
        raise InvalidInputError.at(
            _POINTER,
            f"must have {prod(shape):,} numbers, flat or nested like {list(shape)}; "
            f"it has the shape {list(numbers.shape)}",
        )
    if tensor.datatype == "UINT8" and numbers.dtype.kind == "f":
        odd = np.argwhere(numbers % 1)
        if len(odd):
            raise InvalidInputError.at(
                "/".join([_POINTER, *map(str, odd[0])]), "must be an integer from 0 to 255"
            )
        return numbers.astype(np.uint8)
    return numbers


def _read_texts(tensor: InputTensor, spec: DatasetSpec) -> Images:
    """Decode the image files of JSON, which are in base64."""
    count, *rest = tensor.shape
    data = tensor.data or []
    if rest and all(isinstance(one, list) and len(one) == 1 for one in data):
        data = [one for (one,) in data]
    if len(data) != count or not all(isinstance(one, str) for one in data):
        raise InvalidInputError.at(
            _POINTER, f"must be {count:,} texts for this shape, each an image file in base64"
        )
    return read_values(data, None, _POINTER, spec)


def _cut_files(body: bytes, start: int, count: int) -> Iterator[tuple[str, bytes]]:
    """Cut binary data into files. Before each are four bytes with its size, little-endian."""
    for i in range(count):
        size = int.from_bytes(body[start : start + 4], "little")
        start += 4
        if start + size > len(body):
            raise InvalidInputError.at(
                f"{_POINTER}/{i}", f"ends before its {size:,} bytes, whose number precedes them"
            )
        yield f"{_POINTER}/{i}", body[start : start + size]
        start += size
    if start != len(body):
        raise InvalidInputError.at(
            _POINTER, f"has {len(body) - start:,} bytes after its {count:,} files"
        )


def write_inference(
    model_id: str, request: InferenceRequest, classified: Classified
) -> tuple[bytes, int | None]:
    """Write the body of a response. Each output has shape (n, classes).

    Returns
    -------
    bytes
        The body.
    int or None
        The length of the JSON at its start. None if the whole body is JSON.
    """
    outputs: list[dict[str, Any]] = []
    tail: list[bytes] = []
    for wanted in request.outputs or [RequestedOutput(name=name) for name in OUTPUTS]:
        values = getattr(classified, wanted.name).astype(np.float32)
        output: dict[str, Any] = {"name": wanted.name, "datatype": "FP32", "shape": values.shape}
        in_bytes = wanted.parameters.binary_data
        if in_bytes is None:
            in_bytes = request.parameters.binary_data_output
        if in_bytes:
            tail.append(values.astype("<f4").tobytes())
            output["parameters"] = {"binary_data_size": len(tail[-1])}
        else:
            output["data"] = values.ravel()
        outputs.append(output)
    head = orjson.dumps(
        {
            "model_name": model_id,
            "model_version": VERSION,
            **({} if request.id is None else {"id": request.id}),
            "outputs": outputs,
        },
        option=orjson.OPT_SERIALIZE_NUMPY,
    )
    return b"".join([head, *tail]), len(head) if tail else None
