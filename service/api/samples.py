"""The samples of data sets, as numbers and as images."""

from collections.abc import Callable
from typing import Any, get_args

import numpy as np
import orjson
from flask import Response, request
from flask_openapi3 import APIBlueprint
from numpy.typing import NDArray
from pydantic import BaseModel, Field

from service.api.datasets import TAG, DatasetPath
from service.api.parameters import BINARY, Parameters
from service.api.readers.by_type import JSON
from service.backend import backend
from service.errors import problems
from stepbox.data.dataset import MOST_CLASSES, Dataset, DatasetSpec, Split
from stepbox.errors import InvalidInputError, NotFoundError
from stepbox.images.decode import encode_png
from stepbox.images.sheet import sheet

MOST_SAMPLES = 1000
MOST_VALUES = 2**20  # in one response as JSON: up to 20 MB
MOST_SHEET_BYTES = 2**23  # of uncompressed pixels: 682 color images of 64×64
PNG = {"content": {"image/png": BINARY}}

blueprint = APIBlueprint("samples", __name__, url_prefix="/datasets", abp_tags=[TAG])


class SplitPath(DatasetPath):
    """Path parameters: a split of a data set."""

    split: str = Field(
        description="`train` or `test`.",
        json_schema_extra={"enum": [*get_args(Split)], "example": "test"},
    )


class ImagePath(SplitPath):
    """Path parameters: an image."""

    index: int = Field(description="Index in the split, from 0.", json_schema_extra={"example": 0})


class PageQuery(Parameters):
    """Query parameters: which samples, a page at a time."""

    label: int | None = Field(
        None, ge=0, lt=MOST_CLASSES, description="Only samples of this class, from 0."
    )
    offset: int = Field(0, ge=0, description="Number of samples to skip.")


class SampleQuery(PageQuery):
    """Query parameters: which samples to list, by their indices or a page at a time."""

    index: str | None = Field(
        None,
        pattern="^[0-9]{1,9}(,[0-9]{1,9})*$",
        description="Indices in the split, from 0, separated by commas; at most "
        f"{MOST_SAMPLES:,}. Without it, `offset` and `limit` choose the samples.",
        json_schema_extra={"format": "indices, separated by commas", "example": "0,7,9"},
    )
    limit: int = Field(20, ge=1, le=MOST_SAMPLES, description="Maximum number of samples to list.")
    values: bool = Field(True, description="Whether to include `pixels` or `values`.")


class SheetQuery(PageQuery):
    """Query parameters: which images to draw side by side."""

    split: Split = Field("test", description="`train` or `test`.")
    columns: int = Field(12, ge=1, le=64, description="Images in a row.")
    rows: int = Field(8, ge=1, le=64, description="Rows. The last ones are left out if empty.")


class Sample(BaseModel):
    """A sample."""

    index: int = Field(description="Index in the split.")
    label: int = Field(ge=0, le=MOST_CLASSES - 1)
    pixels: list[list[int]] | list[list[list[int]]] | None = Field(
        None,
        description="Grey levels, shape (height, width), or RGB, shape (height, width, 3): 0 "
        "(dark) to 255. Omitted in vectors.",
    )
    values: list[float] | None = Field(
        None, description="One number per column. Omitted in images."
    )


class SampleList(BaseModel):
    """Samples, in the order of the query. `images` or `vectors` is omitted."""

    count: int = Field(description="Number of samples in the split, or of this label in it.")
    images: list[Sample] | None = None
    vectors: list[Sample] | None = None


@blueprint.get("/<ref>/<split>", responses={200: SampleList, **problems(404, 422, 503)})
def list_samples(path: SplitPath, query: SampleQuery) -> Response:
    """List samples by their indices, or a page of them."""
    dataset = _split(path.ref, path.split)
    if query.index is None:
        chosen, count = _page(dataset, query, query.limit)
    else:
        chosen, count = _indices(dataset, query.index), len(dataset.labels)
    if query.values:
        rows = samples(dataset, chosen, "/limit" if query.index is None else "/index")
    else:
        rows = [{"index": n, "label": int(dataset.labels[n])} for n in chosen.tolist()]
    return json_of({"count": count, dataset.spec.kind: rows})


@blueprint.get(
    "/<ref>/<split>/<int:index>.png",
    responses={
        200: {"description": "The pixels of the image.", **PNG},
        304: {"description": "Unchanged."},
        **problems(404, 503),
    },
)
def sample_picture(path: ImagePath) -> Response:
    """Return an image as a file that POST /predict accepts."""
    dataset = _split(path.ref, path.split)
    check_images(dataset.spec)
    if path.index >= len(dataset.labels):
        raise NotFoundError(
            f"the {path.split} images are numbered 0 to {len(dataset.labels) - 1:,}"
        )
    return png(
        f"{dataset.spec.id}-{path.split}-{path.index}",
        lambda: dataset.take(np.array([path.index]))[0],
    )


@blueprint.get(
    "/<ref>/sheet.png",
    responses={
        200: {"description": "The images, row by row without gaps.", **PNG},
        304: {"description": "Unchanged."},
        **problems(404, 422, 503),
    },
)
def sample_sheet(path: DatasetPath, query: SheetQuery) -> Response:
    """Draw many images as one, in the order in which `GET /datasets/{ref}/{split}` lists them."""
    dataset = backend().dataset(path.ref, query.split)
    check_images(dataset.spec)
    most = MOST_SHEET_BYTES // dataset.spec.features
    if query.columns * query.rows > most:
        raise InvalidInputError.at(
            "/rows", f"columns times rows must be at most {most:,} for images of this size"
        )
    chosen, _ = _page(dataset, query, query.columns * query.rows)
    if not len(chosen):
        raise NotFoundError("there are no images from this offset on")
    wanted = (query.split, query.label, query.offset, query.columns, query.rows)
    return png(
        "-".join(map(str, (dataset.spec.id, *wanted))),
        lambda: sheet(dataset.take(chosen), query.columns),
    )


def samples(
    dataset: Dataset, indices: NDArray[np.int64], pointer: str = "/limit"
) -> list[dict[str, Any]]:
    """Return the fields of `Sample` for samples of a data set, for `json_of`.

    Raises
    ------
    InvalidInputError
        They have too many values; the error names the parameter at `pointer`.
    """
    most = max(1, MOST_VALUES // dataset.spec.features)
    if len(indices) > most:
        raise InvalidInputError.at(
            pointer, f"at most {most:,} samples of this size are allowed, not {len(indices):,}"
        )
    name = "pixels" if dataset.spec.kind == "images" else "values"
    return [
        {"index": index, "label": label, name: values}
        for index, label, values in zip(
            indices.tolist(),
            dataset.labels[indices].tolist(),
            dataset.take(indices),
            strict=True,
        )
    ]


def json_of(body: Any) -> Response:
    """Write JSON whose lists may be arrays.

    Python's own writer needs a list, which takes ten times the memory of an array, and blocks all
    other threads while it writes.
    """
    return Response(orjson.dumps(body, option=orjson.OPT_SERIALIZE_NUMPY), content_type=JSON)


def png(version: str, draw: Callable[[], NDArray[np.uint8]]) -> Response:
    """Return an image as PNG, unless the client already has this version of it."""
    response = Response(content_type="image/png")
    response.set_etag(version)
    response.cache_control.no_cache = True
    if request.if_none_match.contains_weak(version):
        response.status_code = 304
    else:
        response.set_data(encode_png(draw()))
    return response


def check_images(spec: DatasetSpec) -> None:
    """Raise NotFoundError if a data set has no images."""
    if spec.kind != "images":
        raise NotFoundError(f"the data set {spec.name} consists of vectors, not of images")


def _split(reference: str, split: str) -> Dataset:
    for one in get_args(Split):
        if one == split:
            return backend().dataset(reference, one)
    raise NotFoundError(f"a data set has the splits train and test, not {split[:80]!r}")


def _page(dataset: Dataset, query: PageQuery, limit: int) -> tuple[NDArray[np.int64], int]:
    """Return the indices of a page of samples, and how many samples all pages have."""
    end = query.offset + limit
    if query.label is None:
        count = len(dataset.labels)
        return np.arange(min(query.offset, count), min(end, count)), count
    if query.label >= len(dataset.spec.classes):
        raise InvalidInputError.at("/label", f"must be from 0 to {len(dataset.spec.classes) - 1}")
    found = np.flatnonzero(dataset.labels == query.label)
    return found[query.offset : end], len(found)


def _indices(dataset: Dataset, text: str) -> NDArray[np.int64]:
    """Read a list of indices."""
    indices = np.array([int(index) for index in text.split(",")])
    if len(indices) > MOST_SAMPLES:
        raise InvalidInputError.at(
            "/index", f"at most {MOST_SAMPLES:,} indices are allowed, not {len(indices):,}"
        )
    if indices.max() >= len(dataset.labels):
        raise InvalidInputError.at("/index", f"must be from 0 to {len(dataset.labels) - 1}")
    return indices
