"""Read JSON images: numbers, or image files in base64."""

from collections.abc import Iterator
from typing import Annotated, Any

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from service.api.readers.image_file import from_base64
from service.api.readers.images import (
    FORMS,
    HEIGHT,
    MOST_IMAGES,
    WIDTH,
    Images,
    Pixels,
    Sent,
    check_count,
    check_shape,
    decode_files,
    to_grey,
)
from service.api.readers.number_lists import cut_numbers, faults_of
from service.bodies.json_body import parse_object
from service.errors import pointer_to
from stepbox.data.dataset import PixelScale
from stepbox.errors import Fault, InvalidInputError

SCALES = ("unit", "raw")

Pixel = Annotated[float, Field(ge=0, le=255, allow_inf_nan=False)]
# Only the first fault of an image is reported: listing all faults could take gigabytes.
Row = Annotated[list[Pixel], Field(fail_fast=True, min_length=WIDTH, max_length=WIDTH)]
Image = Annotated[list[Row], Field(fail_fast=True, min_length=HEIGHT, max_length=HEIGHT)]

_SIZE = HEIGHT * WIDTH
_FlatImage = Annotated[list[Pixel], Field(min_length=_SIZE, max_length=_SIZE)]
_Channel = Annotated[list[Pixel], Field(min_length=1, max_length=1)]
_ChannelRow = Annotated[list[_Channel], Field(min_length=WIDTH, max_length=WIDTH)]
_ChannelImage = Annotated[list[_ChannelRow], Field(min_length=HEIGHT, max_length=HEIGHT)]
_File = Annotated[str, Field(description="An image file, in base64 or as a `data:` URL.")]
_Number = Image | _FlatImage | _ChannelImage
_Several = Field(min_length=1, max_length=MOST_IMAGES)

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


class PixelImages(_Scaled):
    """Images: numbers from 0 (dark) to 255, or image files. Or a single one."""

    model_config = ConfigDict(json_schema_extra={"example": {"images": [DIGIT_ONE]}})

    images: Annotated[list[_Number] | list[_File], _Several] | _Number | _File


class EncodedFile(BaseModel, extra="forbid"):
    """An image file, as TensorFlow Serving encodes binary data."""

    b64: _File


class Instances(_Scaled):
    """Images: numbers from 0 (dark) to 255, or image files."""

    model_config = ConfigDict(json_schema_extra={"example": {"instances": [{"b64": DIGIT_ONE}]}})

    instances: Annotated[list[_Number] | list[_File | EncodedFile], _Several]
    signature_name: str | None = Field(None, description="Ignored: a model has one signature.")


def read_json(sent: Sent, name: str = "images", others: tuple[str, ...] = ()) -> Images:
    """Read a JSON object with images, and perhaps their scale.

    Numbers are parsed image by image, so a body takes only a few times its size in memory.

    Parameters
    ----------
    sent
        The body.
    name
        Name of the images.
    others
        Names of other members, which are ignored.

    Raises
    ------
    InvalidInputError
        A name is unknown, or the images or their scale are invalid.
    BadRequest, RequestEntityTooLarge
        The body is not a JSON object, or would take too much time or memory.
    """
    pointer = f"/{name}"
    head, numbers = cut_numbers(sent.data, name, pointer)
    if numbers is not None and sent.scale is None and b"".join(head.split()) == b'{"images":[]}':
        check_shape(numbers.shape, pointer)  # the usual form, which saves a fifth of the time
        return to_grey(numbers, None, pointer)
    members = parse_object(head)
    if numbers is not None and members.get(name) != []:  # the list was in another object
        members, numbers = parse_object(sent.data), None
    faults = [
        Fault(pointer_to(other), f"is unknown: send '{name}' and perhaps 'scale'")
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
            raise InvalidInputError.at(pointer, "is missing: send numbers, or files in base64")
        if numbers is None:
            images = read_values(members[name], scale, pointer)
        else:
            check_shape(numbers.shape, pointer)
            images = to_grey(numbers, scale, pointer)
    except InvalidInputError as error:
        faults.extend(error.faults)
    if faults:
        raise InvalidInputError(faults)
    return images


def read_values(value: Any, scale: PixelScale | None, pointer: str) -> Images:
    """Read parsed JSON: one image, or a list of images that are all numbers or all files."""
    single = isinstance(value, str | dict) or _shape(value) in FORMS
    images = [value] if single else value
    if not isinstance(images, list):
        raise InvalidInputError.at(pointer, "must be an image or a list of images")
    check_count(len(images), pointer)
    pairs = [(pointer if single else f"{pointer}/{i}", image) for i, image in enumerate(images)]
    if any(isinstance(image, str | dict) for image in images):
        if scale is not None:
            raise InvalidInputError.at("/scale", "is for numbers, not for image files")
        return decode_files(_files(pairs))
    return to_grey(_numbers(pairs, pointer), scale, pointer)


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


def _numbers(pairs: list[tuple[str, Any]], pointer: str) -> Pixels:
    """Turn images into an array. The first one with a valid shape sets the shape of all."""
    shapes = [_shape(image) for _, image in pairs]
    shape = next((shape for shape in shapes if shape in FORMS), shapes[0])
    check_shape((len(pairs), *shape), pointer)
    faults = faults_of(iter(pairs), shape)
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
