"""The test images that models get wrong, or on which two models disagree."""

from typing import Any

import numpy as np
from flask import Response
from flask_openapi3 import APIBlueprint
from numpy.typing import NDArray
from pydantic import BaseModel, Field

from service.api.inspection import TAG
from service.api.models import ModelPath
from service.api.parameters import Parameters
from service.api.samples import Sample, json_of, samples
from service.backend import backend
from service.errors import problems
from stepbox.analysis.inspection import Predictions, by_confidence
from stepbox.data.dataset import Dataset
from stepbox.errors import InvalidInputError, NotFoundError
from stepbox.store.card import ModelId

blueprint = APIBlueprint("mistakes", __name__, abp_tags=[TAG])


class CellPath(ModelPath):
    """Path parameters: a cell of a model's confusion matrix."""

    true: int = Field(description="Row: the true class, from 0.", json_schema_extra={"example": 4})
    predicted: int = Field(
        description="Column: index of the predicted class, from 0.",
        json_schema_extra={"example": 9},
    )


class CellQuery(Parameters):
    """Query parameters: how many images of a cell to list."""

    limit: int = Field(12, ge=1, le=1000, description="Maximum number of images to list.")


class CellPicture(Sample):
    """A test image, and the probability of the class that the model predicted."""

    probability: float = Field(ge=0, le=1, description="Probability of the predicted class.")


class Cell(BaseModel):
    """One cell of the confusion matrix."""

    model: ModelId
    true: int = Field(description="The true class.")
    predicted: int = Field(description="The predicted class.")
    count: int = Field(description="Number of test images in the cell.")
    images: list[CellPicture] = Field(description="The test images, highest probability first.")


class PartQuery(Parameters):
    """Query parameters: which part of a list."""

    limit: int = Field(24, ge=1, le=1000, description="Maximum number of images to list.")
    offset: int = Field(0, ge=0, description="Number of images to skip.")


class MistakesQuery(PartQuery):
    """Query parameters: which mistakes to list."""

    against: str | None = Field(
        None,
        max_length=100,
        description="Id or alias of another model of the same data set. List the test images for "
        "which the two models predict different classes.",
    )
    true: int | None = Field(None, ge=0, description="List only images of this class, from 0.")
    predicted: int | None = Field(
        None, ge=0, description="List only images for which the model predicts this class, from 0."
    )


class Misread(CellPicture):
    """A test image that a network gets wrong."""

    predicted: int = Field(description="The class that the network predicts.")


class Mistake(Misread):
    """A test image, and what one or two models predict for it."""

    other_predicted: int | None = Field(
        description="The class that the other model predicts; null without one."
    )
    other_probability: float | None = Field(
        description="Probability of that class, 0 to 1; null without another model."
    )


class MistakeList(BaseModel):
    """Test images that a model gets wrong, or on which two models disagree."""

    model: ModelId
    against: str | None = Field(description="Id of the other model; null without one.")
    dataset: str = Field(description="The data set of the test images.")
    count: int = Field(description="Number of such images, of which `images` lists a part.")
    images: list[Mistake] = Field(
        description="The images by descending probability of the predicted class; with two models, "
        "by the lower of the two probabilities."
    )


@blueprint.get(
    "/models/<ref>/confusion/<int:true>/<int:predicted>",
    responses={200: Cell, **problems(404, 409, 422, 503)},
)
def confusion_cell(path: CellPath, query: CellQuery) -> Response:
    """List the test images that have this true class and this predicted class."""
    card = backend().models.card(path.ref)
    if max(path.true, path.predicted) >= len(card.classes):
        raise NotFoundError(f"the classes are numbered 0 to {len(card.classes) - 1}")
    test_set = backend().test_set(card)
    predictions = backend().figures.predictions(card.id)
    inside = (test_set.labels == path.true) & (predictions.classes == path.predicted)
    found = by_confidence([predictions], inside)
    return json_of(
        {
            "model": card.id,
            "true": path.true,
            "predicted": path.predicted,
            "count": len(found),
            "images": _pictures(test_set, found[: query.limit], predictions),
        }
    )


@blueprint.get(
    "/models/<ref>/mistakes", responses={200: MistakeList, **problems(404, 409, 422, 503)}
)
def list_mistakes(path: ModelPath, query: MistakesQuery) -> Response:
    """List the test images that a model gets wrong, or on which it disagrees with another model."""
    card = backend().models.card(path.ref)
    other = backend().models.card(query.against) if query.against else None
    if other and other.recipe.dataset != card.recipe.dataset:
        raise InvalidInputError.at(
            "/against",
            f"must be a model of {card.recipe.dataset}, but {other.id} is one of "
            f"{other.recipe.dataset}",
        )
    for name in ("true", "predicted"):
        number = getattr(query, name)
        if number is not None and number >= len(card.classes):
            raise InvalidInputError.at(f"/{name}", f"must be from 0 to {len(card.classes) - 1}")
    test_set = backend().test_set(card)
    predictions = [backend().figures.predictions(one.id) for one in (card, other) if one]
    first = predictions[0]
    second = predictions[1] if other else None
    chosen = first.classes != (second.classes if second else test_set.labels)
    if query.true is not None:
        chosen &= test_set.labels == query.true
    if query.predicted is not None:
        chosen &= first.classes == query.predicted
    found = by_confidence(predictions, chosen)
    page = found[query.offset : query.offset + query.limit]
    images = misread(test_set, page, first)
    for image in images:
        index = image["index"]
        image["other_predicted"] = int(second.classes[index]) if second else None
        image["other_probability"] = float(second.probabilities[index]) if second else None
    return json_of(
        {
            "model": card.id,
            "against": other.id if other else None,
            "dataset": card.recipe.dataset,
            "count": len(found),
            "images": images,
        }
    )


def misread(
    test_set: Dataset, indices: NDArray[np.intp], predictions: Predictions
) -> list[dict[str, Any]]:
    """Return the fields of `Misread` for some of the samples, for `json_of`."""
    return [
        {**image, "predicted": int(predictions.classes[image["index"]])}
        for image in _pictures(test_set, indices, predictions)
    ]


def _pictures(
    test_set: Dataset, indices: NDArray[np.intp], predictions: Predictions
) -> list[dict[str, Any]]:
    """Return the fields of `CellPicture` for some of the samples, for `json_of`."""
    return [
        {**image, "probability": float(predictions.probabilities[image["index"]])}
        for image in samples(test_set, indices)
    ]
