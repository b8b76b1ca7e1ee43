"""The points of generated data sets, before anything is trained on them. Nothing is stored."""

from typing import Annotated, Any

import orjson
from flask import Response
from flask_openapi3 import APIBlueprint
from pydantic import BaseModel, Field

from service.api.datasets import TAG
from service.api.parameters import Parameters
from service.api.readers.by_type import JSON
from service.errors import problems
from stepbox.data.dataset import Dataset
from stepbox.data.plane import GeneratedData

blueprint = APIBlueprint("generated", __name__, abp_tags=[TAG])

Point = Annotated[list[float], Field(min_length=3, max_length=3)]


class GeneratedQuery(Parameters, GeneratedData, strict=False):
    """Query parameters: a generated data set, with the fields of `dataset` in POST /train."""


class GeneratedPoints(BaseModel):
    """The points of a generated data set."""

    id: str = Field(description="The id that the data set has once a training has stored it.")
    name: str = Field(description="The name of the data set, which POST /train accepts.")
    classes: int = Field(description="Number of classes.")
    train: list[Point] = Field(description="The points to train on, each as [x, y, class].")
    test: list[Point] = Field(description="The points that are for testing only.")


@blueprint.get("/generated", responses={200: GeneratedPoints, **problems(422)})
def generated_points(query: GeneratedQuery) -> Response:
    """Return the points of a generated data set, which is not stored."""
    splits = query.splits()
    spec = splits["train"].spec
    body: dict[str, Any] = {"id": spec.id, "name": spec.name, "classes": len(spec.classes)}
    body |= {split: _rows(dataset) for split, dataset in splits.items()}
    return Response(orjson.dumps(body), content_type=JSON)


def _rows(dataset: Dataset) -> list[list[Any]]:
    pairs = zip(dataset.samples.tolist(), dataset.labels.tolist(), strict=True)
    return [[*point, label] for point, label in pairs]
