"""Inspect models: their weights, and the figures that the source printed."""

from itertools import islice

import orjson
from flask import Response, jsonify
from flask_openapi3 import APIBlueprint, Tag
from pydantic import BaseModel, Field

from service.api.models import ModelPath
from service.api.parameters import BINARY, Parameters
from service.api.predict.explain import Values, rounded
from service.api.readers.by_type import JSON
from service.api.samples import MOST_VALUES, check_images
from service.backend import backend
from service.bodies.bounds import LAYERS_BYTES, Bound
from service.errors import problems
from service.model_figures import FirstLayerWeights
from stepbox.analysis.inspection import LayerHistogram, published_curves, signed_grey
from stepbox.images.decode import encode_png
from stepbox.store.card import ModelId

MOST_NEURONS = 1024

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


class NeuronQuery(Parameters):
    """Query parameters: how many neurons to list."""

    limit: int = Field(
        MOST_NEURONS,
        ge=1,
        le=MOST_NEURONS,
        description="Maximum number of neurons to list. If they had more than "
        f"{MOST_VALUES:,} weights, fewer are listed.",
    )


class FirstLayerNeuron(BaseModel):
    """A neuron of the first layer, with one weight per input, in the shape of the data set."""

    neuron: int = Field(description="Index of the neuron in the layer, from 0.")
    change: float = Field(description="Euclidean distance between its weights before and after.")
    before: Values = Field(description="Untrained weights, to four digits.")
    after: Values = Field(description="Trained weights, to four digits.")


class FirstLayer(BaseModel):
    """The neurons of the first layer, the most changed first."""

    model: ModelId
    count: int = Field(description="Number of neurons in the layer.")
    columns: list[str] | None = Field(
        description="Names of the columns of a vector, in the order of the weights; null for "
        "images, or without names."
    )
    neurons: list[FirstLayerNeuron]


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


@blueprint.get("/models/<ref>/first-layer", responses={200: FirstLayer, **problems(404, 409, 422)})
@Bound(memory_bytes=LAYERS_BYTES)
def first_layer(path: ModelPath, query: NeuronQuery) -> Response:
    """List the neurons of the first layer, the most changed first, with their weights."""
    card = backend().models.card(path.ref)
    model_id = card.id
    layer = backend().figures.first_layer(model_id)
    with backend().figures.turn:  # at most two such large responses at a time
        answer = {
            "model": model_id,
            "count": len(layer.neurons),
            "columns": card.dataset.columns,
            "neurons": [
                {
                    "neuron": int(neuron),
                    "change": float(change),
                    "before": rounded(layer.before[neuron].tolist(), 4),
                    "after": rounded(layer.after[neuron].tolist(), 4),
                }
                for neuron, change in islice(
                    zip(layer.neurons, layer.changes, strict=True), _listed(layer, query.limit)
                )
            ],
        }
        # Python's own JSON writer would block all other threads for seconds.
        return Response(orjson.dumps(answer), content_type=JSON)


@blueprint.get(
    "/models/<ref>/first-layer.png",
    responses={
        200: {
            "description": "The weights of each neuron in the size of the images, side by side. "
            "Level 128 is a weight of 0; lighter is positive, darker is negative. For color "
            "images, each of red, green and blue shows the weights of its channel.",
            "content": {"image/png": BINARY},
        },
        **problems(404, 409, 422),
    },
)
@Bound(memory_bytes=LAYERS_BYTES)
def first_layer_picture(path: ModelPath, query: NeuronQuery) -> Response:
    """Draw the trained weights of the first layer, the most changed neurons first."""
    card = backend().models.card(path.ref)
    check_images(card.dataset)
    layer = backend().figures.first_layer(card.id)
    image = signed_grey(layer.after[layer.neurons[: _listed(layer, query.limit)]])
    return Response(encode_png(image), content_type="image/png")


def _listed(layer: FirstLayerWeights, limit: int) -> int:
    """Return how many neurons a response may list."""
    weights: int = layer.after[0].size
    return min(limit, max(1, MOST_VALUES // weights))
