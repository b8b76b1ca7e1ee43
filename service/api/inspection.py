"""Inspect models: their weights, and the figures that the source printed."""

from flask import Response, jsonify
from flask_openapi3 import APIBlueprint, Tag
from pydantic import BaseModel, Field

from service.api.models import ModelPath
from service.api.readers.by_type import JSON
from service.backend import backend
from service.bodies.bounds import LAYERS_BYTES, Bound
from service.errors import problems
from stepbox.analysis.inspection import LayerHistogram, published_curves
from stepbox.store.card import ModelId

TAG = Tag(
    name="inspection",
    description="Which classes models confuse, and what their weights look like.",
)
blueprint = APIBlueprint("inspection", __name__, abp_tags=[TAG])


class PublishedEntry(BaseModel):
    """The figures that the source printed for an epoch. Figures not printed are omitted."""

    epoch: int
    train_loss: float | None = Field(None, description="Nats.")
    test_loss: float | None = Field(None, description="Nats.")
    test_accuracy: float | None = Field(None, description="0 to 1.")


class PublishedCurve(BaseModel):
    """The figures that the source printed for one recipe."""

    mean_test_accuracy: float | None = Field(
        None, description="The accuracy that the source printed: a mean over all epochs, 0 to 1."
    )
    history: list[PublishedEntry]


class Published(BaseModel):
    """The figures that the source printed, by recipe."""

    source: str = Field(description="A description of these figures.")
    recipes: dict[str, PublishedCurve]


class Histograms(BaseModel):
    """The distribution of the weights in all layers, before and after training."""

    model: ModelId
    layers: list[LayerHistogram] = Field(description="The layers, in order from the input.")


@blueprint.get("/published", responses={200: Published})
def published() -> Response:
    """Return the figures that the source printed, for comparison with trainings."""
    curves = published_curves()
    return jsonify(source=curves.pop("source"), recipes=curves)


@blueprint.get("/models/<ref>/histograms", responses={200: Histograms, **problems(404, 409)})
@Bound(memory_bytes=LAYERS_BYTES)
def histograms(path: ModelPath) -> Response:
    """Return histograms of the weights of each layer, before and after training."""
    model_id = backend().models.card(path.ref).id
    found = Histograms(model=model_id, layers=backend().figures.histograms(model_id))
    return Response(found.model_dump_json(), content_type=JSON)
