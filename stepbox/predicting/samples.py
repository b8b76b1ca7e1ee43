"""The samples of an upload, as a model takes them."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from stepbox.data.dataset import LABEL_DTYPE, Dataset, DatasetSpec
from stepbox.data.readers.checks import check_bytes
from stepbox.data.readers.part import Limits, Part
from stepbox.data.readers.scratch import ArrayFile
from stepbox.errors import InvalidInputError
from stepbox.images.decode import decode_image
from stepbox.images.prepare import Work, color_of, find_work, prepare
from stepbox.importing.classes import order_of_class, some
from stepbox.importing.opening import open_upload

BLOCK = 1000  # images of an array that are prepared together


class Uploaded(NamedTuple):
    """The samples of an upload.

    Attributes
    ----------
    dataset
        The samples, in the shape that the model takes. The description has the classes of the
        upload; none if its samples have no labels.
    names
        The name of each image file; None if the samples are in arrays or a table.
    """

    dataset: Dataset
    names: pa.Array | None


def read_samples(
    upload: Path,
    content_type: str,
    label: str,
    spec: DatasetSpec,
    scratch: Path,
    limits: Limits,
    tell: Callable[[int, int | None], None],
) -> Uploaded:
    """Read the samples of an upload, and prepare them as `POST /predict` does.

    Parameters
    ----------
    upload, content_type
        The body of the request, and its content type.
    label
        Name of the column of a table that has the classes, if there is one.
    spec
        The data set that the model was trained on.
    scratch
        An empty folder, for which the caller cares.
    limits
        What the upload may contain.
    tell
        Is told how many samples are prepared, of how many.

    Raises
    ------
    InvalidInputError
        The upload cannot be read, or its samples do not fit the model.
    """
    limits = limits._replace(labels=False, proceed=lambda: tell(0, None))
    parts = open_upload(upload, content_type, scratch, limits, label)
    total, done = sum(len(part.labels) for part in parts), 0
    check_bytes(total * spec.features * spec.dtype.itemsize, limits)
    names: list[pa.Array] = []
    waiting: list[str] = []  # names of less than a block: an array of each would take 1 kB
    with ArrayFile(scratch, spec.dtype, spec.shape) as target:
        for part in parts:
            for block, block_names in _prepared(part, spec):
                target.append(block)
                waiting += block_names
                done += len(block)
                if len(waiting) >= BLOCK:
                    names.append(pa.array(waiting, pa.string()))
                    waiting = []
                tell(done, total)
        samples = target.array()
    if waiting:
        names.append(pa.array(waiting, pa.string()))
    classes, labels = _labels(parts)
    described = spec.model_copy(update={"classes": classes})
    return Uploaded(Dataset(described, samples, labels), pa.concat_arrays(names) if names else None)


def _prepared(part: Part, spec: DatasetSpec) -> Iterator[tuple[NDArray[Any], list[str]]]:
    """Yield blocks of samples as the model takes them, with the names of files, if they are."""
    if not isinstance(part.samples, np.ndarray):
        if spec.kind == "vectors":
            raise _misfit("has images, but the model takes vectors")
        for name, data in part.samples:
            try:
                pixels = decode_image(data, pointer="", color=color_of(spec))
            except InvalidInputError as error:
                detail = f"the file {name[:100]!r} of the upload {error.faults[0].detail}"
                raise InvalidInputError.at("", detail) from None
            yield prepare(pixels, spec).pixels[None], [name]
        return
    array = part.samples
    if (array.ndim == 2) != (spec.kind == "vectors"):
        has, takes = ("images", "vectors") if array.ndim > 2 else ("vectors", "images")
        raise _misfit(f"has {has}, but the model takes {takes}")
    order = _column_order(part, spec) if array.ndim == 2 else None
    for start in range(0, len(array), BLOCK):
        block = np.array(array[start : start + BLOCK])
        yield (block[:, order] if order is not None else _fitted(block, spec)), []


def _fitted(images: NDArray[np.uint8], spec: DatasetSpec) -> NDArray[np.uint8]:
    """Prepare images, shape (images, height, width, …)."""
    work = find_work(images, spec, "auto", "auto")
    if (work == Work.NOTHING).all():
        return images
    fitted = np.empty((len(images), *spec.shape), np.uint8)
    for index, image in enumerate(images):
        fitted[index] = image if work[index] == Work.NOTHING else prepare(image, spec).pixels
    return fitted


def _column_order(part: Part, spec: DatasetSpec) -> list[int]:
    """Return the place of each column of the model in the upload."""
    columns, wanted = part.columns, spec.columns
    if columns and wanted:
        missing = [name for name in wanted if name not in columns]
        other = [name for name in columns if name not in wanted]
        if missing or other:
            lacks = f"lacks the columns {some(map(repr, missing))}" if missing else ""
            has = f"has the columns {some(map(repr, other))} besides those of the model"
            raise _misfit(" and ".join(filter(None, [lacks, has if other else ""])))
        return [list(columns).index(name) for name in wanted]
    features = part.samples.shape[1]  # type: ignore[union-attr]
    if features != spec.features:
        raise _misfit(f"has {features:,} features, but the model takes {spec.features:,}")
    return list(range(features))


def _labels(parts: Sequence[Part]) -> tuple[tuple[str, ...], NDArray[Any]]:
    """Return the names of the classes, and the label of each sample; no names without labels."""
    texts: list[NDArray[Any]] = []
    for part in parts:
        if part.labels[0] is None:
            return (), np.zeros(sum(len(part.labels) for part in parts), LABEL_DTYPE)
        values, places = np.unique(part.labels, return_inverse=True)
        names = [part.classes[value] if part.classes else str(value) for value in values]
        texts.append(np.array(names, object)[places])
    together = np.concatenate(texts)
    classes = tuple(sorted(set(together.tolist()), key=order_of_class))
    index = {name: place for place, name in enumerate(classes)}
    return classes, np.array([index[name] for name in together.tolist()], LABEL_DTYPE)


def _misfit(detail: str) -> InvalidInputError:
    return InvalidInputError.at("", f"the upload {detail}")
