"""The data sets and their test images."""

from typing import Any

from flask import Response, jsonify
from flask_openapi3 import APIBlueprint, Tag
from pydantic import BaseModel, Field

from service.api.parameters import BINARY, Parameters
from service.backend import backend
from service.errors import problems
from stepbox.data.builtin import DATASETS
from stepbox.data.dataset import MOST_CLASSES, Dataset
from stepbox.errors import InvalidInputError, NotFoundError
from stepbox.images.decode import encode_png

MOST_INDICES = 1000

blueprint = APIBlueprint(
    "datasets",
    __name__,
    url_prefix="/datasets",
    abp_tags=[Tag(name="data sets", description="MNIST and Fashion-MNIST.")],
)


class DatasetEntry(BaseModel):
    """A data set."""

    name: str
    classes: list[str] = Field(description="Names of the classes, in the order of the labels.")
    train: int = Field(description="Number of training images.")
    test: int = Field(description="Number of test images.")
    checksums: dict[str, str] = Field(description="File → md5, as published.")


class DatasetList(BaseModel):
    """The data sets."""

    datasets: list[DatasetEntry]


class DatasetPath(BaseModel):
    """Path parameters: a data set."""

    name: str = Field(
        description="`mnist` or `fashion-mnist`.", json_schema_extra={"example": "mnist"}
    )


class ImagePath(DatasetPath):
    """Path parameters: a test image."""

    index: int = Field(
        description="Index in the test set, from 0.", json_schema_extra={"example": 0}
    )


class ImageQuery(Parameters):
    """Query parameters: which test images to list."""

    index: str = Field(
        pattern="^[0-9]{1,4}(,[0-9]{1,4})*$",
        description="Indices in the test set, from 0 to 9999, separated by commas; at most "
        f"{MOST_INDICES:,}.",
        json_schema_extra={"example": "0,7,9"},
    )


class Picture(BaseModel):
    """A test image."""

    index: int
    label: int = Field(ge=0, le=MOST_CLASSES - 1)
    pixels: list[list[int]] = Field(description="28×28, 0 (dark) to 255.")


class PictureList(BaseModel):
    """Test images, in the order of the query."""

    images: list[Picture]


@blueprint.get("", responses={200: DatasetList})
def list_datasets() -> Response:
    """List the data sets with their classes and checksums."""
    return jsonify(
        datasets=[
            {
                "name": spec.name,
                "classes": spec.classes,
                "train": spec.train.samples,
                "test": spec.test.samples,
                "checksums": spec.checksums,
            }
            for spec in DATASETS.values()
        ]
    )


@blueprint.get("/<name>/test", responses={200: PictureList, **problems(404, 422, 503)})
def test_pictures(path: DatasetPath, query: ImageQuery) -> Response:
    """List test images by their indices."""
    indices = [int(index) for index in query.index.split(",")]
    if len(indices) > MOST_INDICES:
        raise InvalidInputError.at(
            "/index", f"at most {MOST_INDICES:,} indices are allowed, not {len(indices):,}"
        )
    dataset = _dataset(path.name)
    return jsonify(images=[picture(dataset, index) for index in indices])


@blueprint.get(
    "/<name>/test/<int:index>.png",
    responses={
        200: {"description": "28×28 grey pixels.", "content": {"image/png": BINARY}},
        **problems(404, 503),
    },
)
def test_picture(path: ImagePath) -> Response:
    """Return a test image as a file that POST /predict accepts."""
    dataset = _dataset(path.name)
    samples = dataset.spec.test.samples
    if path.index >= samples:
        raise NotFoundError(f"the test images are numbered 0 to {samples - 1}")
    return Response(encode_png(dataset.samples[path.index]), content_type="image/png")


def picture(dataset: Dataset, index: int) -> dict[str, Any]:
    """Return the fields of `Picture` for a test image."""
    return {
        "index": index,
        "label": int(dataset.labels[index]),
        "pixels": dataset.samples[index].tolist(),
    }


def _dataset(name: str) -> Dataset:
    if name not in DATASETS:
        raise NotFoundError(f"there is no data set {name!r}; there are {', '.join(DATASETS)}")
    return backend().dataset(name)
