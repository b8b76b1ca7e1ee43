"""Read and write the bodies of inference requests: tensors as JSON or as binary data.

Binary data follows the JSON, as defined by the protocol's "binary tensor data" extension: it is
little-endian, row by row, without gaps. All sizes are checked before any data is read.
"""

import re
from math import prod
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from service.api.inference.schemas import HEAD_LENGTH, VERSION, InferenceRequest, RequestedOutput
from service.api.predict.answer import Classified
from service.api.readers.images import MOST_IMAGES
from service.bodies import number_lists
from service.bodies.json_body import parse_object
from stepbox.errors import InvalidInputError

OUTPUTS = ("probabilities", "logits")  # attributes of `Classified`

# The numbers of a tensor, flat or in three levels of lists.
_DATA = re.compile(rb'"data"[ \t\n\r]*:[ \t\n\r]*((\[)[ \t\n\r]*(\[[ \t\n\r]*\[)?)')
_POINTER = "/inputs/0/data"


def read_inference(
    body: bytes, head_length: int | None
) -> tuple[InferenceRequest, NDArray[np.uint8]]:
    """Read the body of an inference request.

    Parameters
    ----------
    body
        JSON, and after it perhaps binary data.
    head_length
        Length of the JSON in bytes. None if the whole body is JSON.

    Returns
    -------
    tuple[InferenceRequest, NDArray[np.uint8]]
        The request, and the grey levels, shape (n, height, width), n ≥ 1.

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
    head, levels = _cut_levels(body[:start])
    request = InferenceRequest.model_validate(parse_object(head))
    if levels is not None and request.inputs[0].data != []:  # the "data" found was not the tensor's
        request, levels = InferenceRequest.model_validate(parse_object(body[:start])), None
    (tensor,) = request.inputs
    size, said, sent = prod(tensor.shape), tensor.parameters.binary_data_size, len(body) - start
    if said is None:
        if sent:
            raise InvalidInputError.at(
                "/inputs/0/parameters/binary_data_size",
                f"is missing, but {sent:,} bytes follow",
            )
        if levels is None:
            data = tensor.data or []
            nested = isinstance(next(iter(data), None), list)
            shape = tensor.shape if nested else (size,)
            levels = np.frombuffer(_read_levels(data, shape, _POINTER), np.uint8)
        elif levels.size != size or (levels.ndim > 1 and levels.shape != tensor.shape):
            raise InvalidInputError.at(
                _POINTER, f"must have {size:,} numbers for this shape, not {levels.size:,}"
            )
        return request, levels.reshape(tensor.shape)
    if tensor.data is not None:
        raise InvalidInputError.at("/inputs/0/data", "cannot be combined with binary_data_size")
    if not said == sent == size:
        raise InvalidInputError.at(
            "/inputs/0/parameters/binary_data_size",
            f"must be {size:,} for this shape, and that many bytes must follow the JSON; "
            f"it is {said:,}, and {sent:,} bytes follow",
        )
    return request, np.frombuffer(body, np.uint8, offset=start).reshape(tensor.shape)


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


def _cut_levels(head: bytes) -> tuple[bytes, NDArray[np.uint8] | None]:
    """Parse the numbers of the tensor separately from the JSON around them.

    Returns
    -------
    bytes
        The JSON with an empty list instead of the numbers. Unchanged if the array is None.
    NDArray[np.uint8] or None
        The numbers, flat or as images. None if the numbers must be parsed with the JSON.

    Raises
    ------
    InvalidInputError
        A number is not an integer from 0 to 255.
    """
    found = _DATA.search(head)
    if found is None or head.count(b'"data"') != 1:
        return head, None
    begin, start = found.span(2)
    levels: NDArray[Any]
    try:
        if found[3]:
            levels, end = number_lists.read_image_list(head, start, MOST_IMAGES)
        else:
            end = head.find(b"]", found.end()) + 1
            if not number_lists.has_numbers_alone(head, start, end - 1):
                return head, None
            levels = np.frombuffer(number_lists.read_levels(head, found.end(), end - 1), np.uint8)
        if levels.dtype != np.uint8 or not number_lists.has_numbers_alone(head, start, end):
            return head, None
    except number_lists.OddListError as odd:
        if found[3]:
            return head, None
        raise InvalidInputError.at(
            f"{_POINTER}/{odd.index}", "must be an integer from 0 to 255"
        ) from None
    except ValueError:  # invalid JSON, which the parser of the whole text reports
        return head, None
    return b"%b[]%b" % (head[:begin], head[end:]), levels.astype(np.uint8, copy=False)


def _read_levels(data: Any, shape: tuple[int, ...], pointer: str) -> bytes:
    """Read grey levels from lists of this shape. Raise InvalidInputError at the first fault."""
    if not isinstance(data, list) or len(data) != shape[0]:
        what = f"a list of {shape[0]:,}" + ("" if len(shape) == 1 else " lists")
        raise InvalidInputError.at(pointer, f"must be {what} for this shape")
    if len(shape) > 1:
        rows = (_read_levels(row, shape[1:], f"{pointer}/{i}") for i, row in enumerate(data))
        return b"".join(rows)
    for i, level in enumerate(data):
        if type(level) is not int or not 0 <= level <= 255:
            raise InvalidInputError.at(f"{pointer}/{i}", "must be an integer from 0 to 255")
    return bytes(data)
