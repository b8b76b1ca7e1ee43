"""Summaries of data sets: mean images or the distribution of each column, and some samples."""

from typing import Any

import numpy as np
from flask import Response
from flask_openapi3 import APIBlueprint
from pydantic import BaseModel, Field

from service.api.datasets import TAG, DatasetPath
from service.api.parameters import Parameters
from service.api.samples import MOST_VALUES, PNG, check_images, json_of, png
from service.backend import backend
from service.errors import problems
from stepbox.analysis.dataset_summary import (
    MOST_READ,
    SampleStatistics,
    by_class,
    evenly_spaced,
)
from stepbox.analysis.dataset_summary import MOST_VALUES as MOST_READ_VALUES
from stepbox.data.dataset import MOST_CLASSES, DatasetSpec, Split
from stepbox.images.sheet import sheet

blueprint = APIBlueprint("summaries", __name__, url_prefix="/datasets", abp_tags=[TAG])


class SplitQuery(Parameters):
    """Query parameters: a split."""

    split: Split = Field("train", description="`train` or `test`.")


class SummaryQuery(SplitQuery):
    """Query parameters: which summary."""

    samples: int = Field(6, ge=0, le=24, description="Maximum number of samples of each class.")


class MeansQuery(SplitQuery):
    """Query parameters: how to draw mean images."""

    columns: int = Field(10, ge=1, le=MOST_CLASSES, description="Images in a row.")


class ClassSummary(BaseModel):
    """A class of a data set."""

    label: int = Field(description="Index of the class.")
    name: str
    train: int | None = Field(description="Number of training samples. Null if not counted.")
    test: int | None = Field(description="Number of test samples. Null if not counted.")
    read: int = Field(description="Number of samples from which `mean` is computed.")
    samples: list[int] = Field(
        description="Indices of samples in the split, evenly spaced in this class."
    )
    mean: list[Any] | None = Field(
        description="Mean image, rounded to whole levels, or the mean of each column. Null if no "
        f"sample was read, or if those of all classes have over {MOST_VALUES:,} values."
    )


class ColumnSummary(BaseModel):
    """The distribution of the values in one column. A figure that is too large is null."""

    name: str | None
    mean: float | None
    deviation: float | None = Field(description="Standard deviation.")
    minimum: float | None
    lower_quartile: float | None
    median: float | None
    upper_quartile: float | None
    maximum: float | None


class Summary(BaseModel):
    """What the samples of a split look like."""

    dataset: str = Field(description="Id of the data set.")
    split: Split
    samples: int = Field(description="Number of samples in the split.")
    read: int = Field(
        description="Number of samples from which the figures are computed: all, or in a large "
        f"split {MOST_READ:,}, or as many vectors as have {MOST_READ_VALUES:,} values. They are "
        "evenly spaced in the order of the classes, and the same each time."
    )
    mean: list[Any] | None = Field(
        description="Mean image, rounded to whole levels. Null in vectors."
    )
    columns: list[ColumnSummary] | None = Field(
        description="The columns, in their order. Null in images."
    )
    classes: list[ClassSummary] = Field(description="The classes, in the order of the labels.")


@blueprint.get("/<ref>/summary", responses={200: Summary, **problems(404, 422, 503)})
def summary(path: DatasetPath, query: SummaryQuery) -> Response:
    """Summarize a split: mean image or columns, and for each class its mean and some samples.

    It is computed at the first request. A large split is not read completely: `read` says how many
    samples were.
    """
    dataset = backend().dataset(path.ref, query.split)
    spec = dataset.spec
    statistics = backend().statistics(spec.key, query.split)
    images = spec.kind == "images"
    body = {
        "dataset": spec.id,
        "split": query.split,
        "samples": len(dataset.labels),
        "read": int(statistics.read.sum()),
        "mean": np.rint(statistics.mean).astype(np.uint8).reshape(spec.shape) if images else None,
        "columns": None if images else _columns(spec, statistics),
        "classes": [
            {**fields, "samples": indices[evenly_spaced(len(indices), query.samples)]}
            for fields, indices in zip(
                _classes(spec, statistics),
                by_class(dataset.labels, len(spec.classes)),
                strict=True,
            )
        ],
    }
    return json_of(body)


@blueprint.get(
    "/<ref>/means.png",
    responses={
        200: {"description": "The mean images, row by row without gaps.", **PNG},
        304: {"description": "Unchanged."},
        **problems(404, 422, 503),
    },
)
def means_sheet(path: DatasetPath, query: MeansQuery) -> Response:
    """Draw the mean image of each class, in the order of the classes."""
    spec = backend().datasets.spec(path.ref)
    check_images(spec)
    means = backend().statistics(spec.key, query.split).class_means
    images = means.astype(np.uint8, copy=False).reshape(-1, *spec.shape)
    return png(f"{spec.id}-{query.split}-{query.columns}", lambda: sheet(images, query.columns))


def _classes(spec: DatasetSpec, statistics: SampleStatistics) -> list[dict[str, Any]]:
    """Return the fields of `ClassSummary`, without the samples."""
    unknown = [None] * len(spec.classes)
    counts = zip(spec.train.per_class or unknown, spec.test.per_class or unknown, strict=True)
    few = statistics.class_means.size <= MOST_VALUES
    return [
        {
            "label": label,
            "name": spec.classes[label],
            "train": train,
            "test": test,
            "read": int(read),
            "mean": mean.reshape(spec.shape) if few and read else None,
        }
        for label, ((train, test), read, mean) in enumerate(
            zip(counts, statistics.read, statistics.class_means, strict=True)
        )
    ]


def _columns(spec: DatasetSpec, statistics: SampleStatistics) -> list[dict[str, Any]]:
    """Return the fields of `ColumnSummary`. orjson writes a number that is not finite as null."""
    assert statistics.quantiles is not None  # as in all vectors
    figures = [statistics.mean, statistics.deviations, *statistics.quantiles]
    names = [name for name in ColumnSummary.model_fields if name != "name"]
    return [
        {"name": name, **dict(zip(names, map(float, column), strict=True))}
        for name, column in zip(
            spec.columns or [None] * spec.features, np.transpose(figures), strict=True
        )
    ]
