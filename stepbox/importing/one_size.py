"""Bring all images of an upload to one size and one mode."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stepbox.data.readers.part import Limits, Part
from stepbox.errors import InvalidInputError
from stepbox.images.convert import convert_image, convert_pixels, default_size, measure_image
from stepbox.importing.classes import some
from stepbox.importing.options import Color, ImportOptions

UNREADABLE = 0.01  # largest share of image files that may be unreadable
REPORT_EVERY = 200  # images

Tell = Callable[[int, int], None]  # is told how many images are done, and how many there are


def to_one_size(
    parts: Sequence[Part], options: ImportOptions, scratch: Path, limits: Limits, tell: Tell
) -> list[Part]:
    """Convert all images to squares of one size, grey or with colors.

    Arrays of squares that fit the options stay as they are, and so do vectors.

    Parameters
    ----------
    parts
        The parts of the upload.
    options
        Size and color; None means the default, which comes from the images.
    scratch
        A folder for the converted images.
    limits, tell
        What the result may contain; and a function that is told about the progress.

    Returns
    -------
    list[Part]
        Parts whose samples are arrays of the same shape, except for their number.

    Raises
    ------
    InvalidInputError
        More than 1 % of the files cannot be read, or the parts do not fit together.
    """
    files = [part for part in parts if not isinstance(part.samples, np.ndarray)]
    arrays = [part.samples for part in parts if isinstance(part.samples, np.ndarray)]
    if not files and all(array.ndim == 2 for array in arrays):
        return _same_columns(parts, options)
    if (files and arrays) or any(array.ndim == 2 for array in arrays):
        raise InvalidInputError.at(
            "", "the upload has images in one part, but something else in another"
        )
    total = sum(len(part.samples) for part in parts)
    sizes: list[tuple[int, int]] = []
    color = False
    if files:
        for part in files:
            for _, data in part.samples:
                measured = _measured(data)
                if measured:
                    sizes.append(measured[:2])
                    color = color or measured[2]
                if len(sizes) % REPORT_EVERY == 0:
                    tell(0, total)
    else:
        sizes = [array.shape[1:3] for array in arrays for _ in range(len(array))]
        color = any(array.ndim == 4 for array in arrays)
    if not sizes:
        raise InvalidInputError.at("", "the upload has no image that can be read")
    side = options.size or default_size(sizes)
    mode: Color = options.color or ("rgb" if color else "grey")
    done = 0
    converted = []
    for number, part in enumerate(parts):
        shape = (side, side, 3) if mode == "rgb" else (side, side)
        if isinstance(part.samples, np.ndarray) and part.samples.shape[1:] == shape:
            converted.append(part)
        else:
            path = scratch / f"converted-{number}"
            converted.append(
                _converted(part, shape, mode, path, limits, partial(_tell_from, tell, done, total))
            )
        done += len(part.samples)
    return converted


def _tell_from(tell: Tell, start: int, total: int, done: int) -> None:
    tell(start + done, total)


def _measured(data: bytes) -> tuple[int, int, bool] | None:
    try:
        return measure_image(data)
    except InvalidInputError:
        return None  # `_converted` counts it


def _converted(
    part: Part,
    shape: tuple[int, ...],
    mode: Color,
    path: Path,
    limits: Limits,
    tell: Callable[[int], None],
) -> Part:
    side = shape[0]
    size = len(part.samples) * int(np.prod(shape))
    if size > limits.bytes:
        raise InvalidInputError.at(
            "",
            f"the upload takes {size:,} bytes at {side}×{side} pixels; {limits.bytes:,} are "
            "allowed. Choose a smaller size",
        )
    unreadable: list[str] = []
    kept = np.ones(len(part.labels), bool)
    with path.open("xb") as file:
        for number, item in enumerate(part.samples):
            try:
                if isinstance(item, tuple):
                    name, data = item
                    pixels = convert_image(data, side, mode)
                else:
                    name, pixels = str(number), convert_pixels(item, side, mode)
                file.write(pixels.tobytes())
            except InvalidInputError:
                unreadable.append(name)
                kept[number] = False
                if len(unreadable) > UNREADABLE * len(kept):
                    raise InvalidInputError.at(
                        "",
                        f"more than {UNREADABLE:.0%} of the image files cannot be read, such as "
                        f"{some(map(repr, unreadable))}",
                    ) from None
            if number % REPORT_EVERY == 0:
                tell(number)
    warnings = list(part.warnings)
    if unreadable:
        warnings.append(
            f"Image files that cannot be read, and were left out: {len(unreadable):,} "
            f"({some(map(repr, unreadable))})."
        )
    samples: NDArray[Any] = np.memmap(path, np.uint8, "r", shape=(int(kept.sum()), *shape))
    return replace(part, samples=samples, labels=part.labels[kept], warnings=warnings)


def _same_columns(parts: Sequence[Part], options: ImportOptions) -> list[Part]:
    """Check that the vectors of all parts have the same features."""
    if options.size or options.color:
        raise InvalidInputError.at(
            "/size", "size and color are only for images, and this is a table"
        )
    tables = [part.samples for part in parts if isinstance(part.samples, np.ndarray)]
    first = parts[0]
    for part, table in zip(parts, tables, strict=True):
        if table.shape[1:] != tables[0].shape[1:] or list(part.columns or ()) != list(
            first.columns or ()
        ):
            raise InvalidInputError.at(
                "", "the upload has different columns in the training part and the test part"
            )
    return list(parts)
