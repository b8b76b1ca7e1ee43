"""Read the samples of JSON: numbers, or image files in base64."""

from collections.abc import Iterator
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from service.api.readers.image_file import from_base64
from service.api.readers.images import (
    MOST_IMAGES,
    Images,
    Pixels,
    Sent,
    check_count,
    check_shape,
    check_takes_files,
    decode_files,
    describe_input,
    forms_of,
    input_name,
    to_samples,
)
from service.api.readers.number_lists import cut_numbers, faults_of, first_fault
from service.bodies.json_body import parse_object
from service.errors import pointer_to
from stepbox.data.dataset import DatasetSpec, PixelScale
from stepbox.errors import Fault, InvalidInputError

SCALES = ("unit", "raw")

_Pixel = Annotated[float, Field(ge=0, le=255)]
_File = Annotated[str, Field(description="An image file, in base64 or as a `data:` URL.")]
_Image = list[_Pixel] | list[list[_Pixel]] | list[list[list[_Pixel]]]
_Several = Field(min_length=1, max_length=MOST_IMAGES)
_Vector = list[float] | dict[str, float]

# Image 2 of MNIST's test set, a handwritten 1, as PNG. The OpenAPI document's examples send it.
DIGIT_ONE = (
    "iVBORw0KGgoAAAANSUhEUgAAABwAAAAcCAAAAABXZoBIAAAAiUlEQVR42mNgoD9gRhdQe/3uFIzNhC5p+O8pbqPaP+KW"
    "0/0yDcFBN1adayVunafuc+OUU/h3gwGnsfYMr3FL6jJ04TTV8u1ZDpw6nYVu/MApqf9/DU5TJV5cR+Gj6EwQO4FbUp7h"
    "Pe7gefLPCadOW3E8Ed/77ywzLp1cXgxr/uLSyHpsAxfDgAMAUBMg+xetJ/UAAAAASUVORK5CYII="
)


class _Scaled(BaseModel, extra="forbid"):
    scale: PixelScale | None = Field(
        None,
        description="Which number is white: 1 (`unit`) or 255 (`raw`). It is needed if the largest "
        "number is not 0 and at most 1. Without it, white is 255.",
    )


class Samples(_Scaled):
    """Samples, or a single one: `images` for a model of images, `inputs` for one of vectors."""

    model_config = ConfigDict(json_schema_extra={"example": {"images": [DIGIT_ONE]}})

    images: Annotated[list[_Image] | list[_File], _Several] | _Image | _File | None = Field(
        None,
        description="Image files, or numbers from 0 (dark) to 255 in the shape of the data set: a "
        "grey image is a list of h lists of w numbers, or one list of h·w numbers; in color, each "
        "pixel is a list of red, green and blue.",
    )
    inputs: Annotated[list[_Vector], _Several] | _Vector | None = Field(
        None,
        description="Vectors: lists of numbers in the order of the data set's columns, or objects "
        "column → number.",
    )


class EncodedFile(BaseModel, extra="forbid"):
    """An image file, as TensorFlow Serving encodes binary data."""

    b64: _File


class Instances(_Scaled):
    """Images, numbers from 0 (dark) to 255 or image files; or vectors, as `/predict` takes them."""

    model_config = ConfigDict(json_schema_extra={"example": {"instances": [{"b64": DIGIT_ONE}]}})

    instances: Annotated[list[_Image] | list[_File | EncodedFile] | list[_Vector], _Several]
    signature_name: str | None = Field(None, description="Ignored: a model has one signature.")


def read_json(sent: Sent, name: str | None = None, others: tuple[str, ...] = ()) -> Images:
    """Read a JSON object with samples, and perhaps their scale.

    Numbers are parsed sample by sample, so a body takes only a few times its size in memory.

    Parameters
    ----------
    sent
        The body.
    name
        Name of the samples; by default, `images` or `inputs`, as the model takes them.
    others
        Names of other members, which are ignored.

    Raises
    ------
    InvalidInputError
        A name is unknown, or the samples or their scale are invalid.
    BadRequest, RequestEntityTooLarge
        The body is not a JSON object, or would take too much time or memory.
    """
    spec = sent.spec
    name = name or input_name(spec)
    pointer = f"/{name}"
    head, numbers = cut_numbers(sent.data, name, pointer, spec)
    if numbers is not None and sent.scale is None and b"".join(head.split()) == b'{"images":[]}':
        # The usual form, which saves a fifth of the time.
        check_shape(numbers.shape, pointer, spec)
        return to_samples(numbers, None, pointer, spec)
    members = parse_object(head)
    if numbers is not None and members.get(name) != []:  # the list was in another object
        members, numbers = parse_object(sent.data), None
    faults = [
        Fault(pointer_to(other), _unknown(other, name, spec))
        for other in members
        if other not in (name, "scale", *others)
    ]
    scale = members.get("scale", sent.scale)
    if scale not in (None, *SCALES):
        faults.append(Fault("/scale", "must be 'unit' if white is 1, or 'raw' if it is 255"))
        scale = None
    elif sent.scale not in (None, scale):
        faults.append(Fault("/scale", "differs between the body and the query"))
    try:
        if name not in members:
            files = ", or files in base64" if spec.kind == "images" else ""
            raise InvalidInputError.at(pointer, f"is missing: send numbers{files}")
        if numbers is None:
            images = read_values(members[name], scale, pointer, spec)
        else:
            check_shape(numbers.shape, pointer, spec)
            images = to_samples(numbers, scale, pointer, spec)
    except InvalidInputError as error:
        faults.extend(error.faults)
    if faults:
        raise InvalidInputError(faults)
    return images


def _unknown(other: str, name: str, spec: DatasetSpec) -> str:
    if name == input_name(spec) and other in ("images", "inputs"):
        return f"is unknown, because {describe_input(spec)}: send '{name}'"
    return f"is unknown: send '{name}' and perhaps 'scale'"


def read_values(value: Any, scale: PixelScale | None, pointer: str, spec: DatasetSpec) -> Images:
    """Read parsed JSON: one sample, or a list of samples that are all numbers or all files."""
    single = isinstance(value, str | dict) or _shape(value) in forms_of(spec.shape)
    samples = [value] if single else value
    if not isinstance(samples, list):
        one = "an image" if spec.kind == "images" else "a vector"
        raise InvalidInputError.at(
            pointer, f"must be {one} or a list of {spec.kind}: {describe_input(spec)}"
        )
    check_count(len(samples), pointer, spec)
    pairs = [(pointer if single else f"{pointer}/{i}", one) for i, one in enumerate(samples)]
    if spec.kind == "vectors":
        pairs = [(where, _in_order(one, where, spec)) for where, one in pairs]
    elif any(isinstance(one, str | dict) for one in samples):
        if scale is not None:
            raise InvalidInputError.at("/scale", "is for numbers, not for image files")
        return decode_files(_files(pairs), spec)
    return to_samples(_numbers(pairs, pointer, spec), scale, pointer, spec)


def read_sample(value: Any, pointer: str, spec: DatasetSpec) -> NDArray[np.float64]:
    """Read one sample of parsed JSON: numbers in the data set's shape, or an object by column.

    Raises
    ------
    InvalidInputError
        It is something else.
    """
    if spec.kind == "vectors":
        value = _in_order(value, pointer, spec)
    fault = first_fault(value, spec.shape, pointer, spec.kind)
    if fault:
        raise InvalidInputError.at(fault.pointer, f"{fault.detail}; {describe_input(spec)}")
    return np.array(value, np.float64)


def _in_order(value: Any, pointer: str, spec: DatasetSpec) -> Any:
    """Return the numbers of an object, column → number, in the order of the data set's columns."""
    if isinstance(value, str):
        check_takes_files(spec, pointer)
    if not isinstance(value, dict):
        return value
    if spec.columns is None:
        raise InvalidInputError.at(
            pointer, f"must be a list, because the columns have no names; {describe_input(spec)}"
        )
    missing = [name for name in spec.columns if name not in value]
    unknown = value.keys() - set(spec.columns)
    if missing or unknown:
        what = f"lacks the column {missing[0]!r}" if missing else f"has {min(unknown)!r} as well"
        raise InvalidInputError.at(pointer, f"{what}, but {describe_input(spec)}")
    return [value[name] for name in spec.columns]


def _files(pairs: list[tuple[str, Any]]) -> Iterator[tuple[str, bytes]]:
    """Decode the base64 of image files, which may be in an object as in TensorFlow Serving."""
    for pointer, file in pairs:
        text = file
        if isinstance(file, dict):
            pointer += "/b64"
            text = file.get("b64") if len(file) == 1 else None
        if not isinstance(text, str):
            raise InvalidInputError.at(pointer, "must be a text with an image file in base64")
        yield pointer, from_base64(text, pointer)


def _numbers(pairs: list[tuple[str, Any]], pointer: str, spec: DatasetSpec) -> Pixels:
    """Turn samples into an array. The first one with a valid shape sets the shape of all."""
    shapes = [_shape(image) for _, image in pairs]
    shape = next((shape for shape in shapes if shape in forms_of(spec.shape)), shapes[0])
    check_shape((len(pairs), *shape), pointer, spec)
    faults = faults_of(iter(pairs), shape, spec.kind)
    if faults:
        raise InvalidInputError(faults)
    return np.array([image for _, image in pairs])


def _shape(value: Any) -> tuple[int, ...]:
    """Return the shape of nested lists, as their first elements have it."""
    shape = []
    while isinstance(value, list):
        shape.append(len(value))
        value = value[0] if value else None
    return tuple(shape)
