"""Looking into models: their mistakes, their weights, and the curves of the source beside them."""

import orjson
from flask import Response, jsonify
from flask_openapi3 import APIBlueprint, Tag
from pydantic import BaseModel, Field

from service.api.datasets import Picture
from service.api.models import ModelPath
from service.api.parameters import Parameters
from service.api.predict.images import JSON
from service.backend import backend
from service.errors import problems
from stepbox.analysis.inspection import confused, published_curves, signed_grey
from stepbox.errors import NotFoundError
from stepbox.images.decode import encode_png
from stepbox.nn.activations import Array
from stepbox.store.card import ModelId

MOST_NEURONS = 1024
MOST_PICTURES = 1000
DIGITS = 4  # significant ones of a weight in a picture

blueprint = APIBlueprint(
    "inspection",
    __name__,
    abp_tags=[Tag(name="looking in", description="What models confuse and what they learned.")],
)


class PublishedEntry(BaseModel):
    """Figures of the source at the end of an epoch; those that it did not print are left out."""

    epoch: int
    train_loss: float | None = Field(None, description="Nats.")
    test_loss: float | None = Field(None, description="Nats.")
    test_accuracy: float | None = Field(None, description="0 to 1.")


class PublishedCurve(BaseModel):
    """What the source printed of one recipe."""

    mean_test_accuracy: float | None = Field(
        None, description="The accuracy that it printed: a mean over all epochs, 0 to 1."
    )
    history: list[PublishedEntry]


class Published(BaseModel):
    """What the source printed, by recipe."""

    source: str = Field(description="What these figures are.")
    recipes: dict[str, PublishedCurve]


class CellPath(ModelPath):
    """A cell of a model's confusion matrix in the path."""

    true: int = Field(description="Row: the true class, 0 to 9.", json_schema_extra={"example": 4})
    predicted: int = Field(
        description="Column: the class that the model said, 0 to 9.",
        json_schema_extra={"example": 9},
    )


class CellQuery(Parameters):
    """How many pictures of a cell to give."""

    limit: int = Field(12, ge=1, le=MOST_PICTURES, description="Most pictures to give.")


class CellPicture(Picture):
    """A test picture, and how sure the model was."""

    probability: float = Field(ge=0, le=1, description="Of the class that the model said.")


class Cell(BaseModel):
    """One cell of the confusion matrix."""

    model: ModelId
    true: int = Field(description="The true class.")
    predicted: int = Field(description="The class that the model said.")
    count: int = Field(description="Test pictures in the cell.")
    images: list[CellPicture] = Field(description="The surest first.")


class LayerHistogram(BaseModel):
    """How a layer's weights are spread."""

    inputs: int = Field(description="Neurons that it takes its input from.")
    outputs: int = Field(description="Its neurons.")
    edges: list[float] = Field(description="61 edges of 60 bins, rising; the middle one is 0.")
    before: list[int] = Field(
        description="Untrained weights in each bin; the first and the last also hold those beyond."
    )
    after: list[int] = Field(description="Trained weights in each bin.")
    spread_before: float = Field(description="Standard deviation of the untrained weights.")
    spread_after: float = Field(description="Standard deviation of the trained weights.")


class Histograms(BaseModel):
    """The weights of all layers, before and after training."""

    model: ModelId
    layers: list[LayerHistogram] = Field(description="From the pixels to the classes.")


class NeuronQuery(Parameters):
    """How many neurons to give."""

    limit: int = Field(
        MOST_NEURONS, ge=1, le=MOST_NEURONS, description="Most neurons to give, the first ones."
    )


class FirstLayerNeuron(BaseModel):
    """A neuron of the first layer: a weight for each pixel."""

    neuron: int = Field(description="Its place in the layer, from 0.")
    change: float = Field(description="Euclidean distance between its weights before and after.")
    before: list[list[float]] = Field(description="28×28 untrained weights, four digits of each.")
    after: list[list[float]] = Field(description="28×28 trained weights, four digits of each.")


class FirstLayer(BaseModel):
    """The neurons of the first layer, the most changed first."""

    model: ModelId
    count: int = Field(description="Neurons that the layer has.")
    neurons: list[FirstLayerNeuron]


@blueprint.get("/published", summary="The source's figures", responses={200: Published})
def published() -> Response:
    """Give the curves that the source printed, to compare trainings with."""
    curves = published_curves()
    return jsonify(source=curves.pop("source"), recipes=curves)


@blueprint.get(
    "/models/<ref>/confusion/<int:true>/<int:predicted>",
    summary="Test pictures of one kind of answer",
    responses={200: Cell, **problems(404, 409, 422, 503)},
)
def confusion_cell(path: CellPath, query: CellQuery) -> Response:
    """Give the test pictures of a class that the model takes for this or another class."""
    card = backend().models.card(path.ref)
    if max(path.true, path.predicted) >= len(card.classes):
        raise NotFoundError(f"the classes are numbered 0 to {len(card.classes) - 1}")
    test_set = backend().dataset(card.recipe.dataset)
    indices, probabilities = confused(
        backend().findings.test_logits(card.id), test_set.labels, path.true, path.predicted
    )
    return jsonify(
        model=card.id,
        true=path.true,
        predicted=path.predicted,
        count=len(indices),
        images=[
            {
                "index": int(index),
                "label": path.true,
                "probability": float(probability),
                "pixels": test_set.images[index].tolist(),
            }
            for index, probability in zip(
                indices[: query.limit], probabilities[: query.limit], strict=True
            )
        ],
    )


@blueprint.get(
    "/models/<ref>/histograms",
    summary="Weights before and after training",
    responses={200: Histograms, **problems(404, 409)},
)
def histograms(path: ModelPath) -> Response:
    """Count the weights of each layer, as they were drawn and as training left them."""
    card = backend().models.card(path.ref)
    sizes = card.recipe.layer_sizes
    layers = [
        {
            "inputs": inputs,
            "outputs": outputs,
            "edges": layer.edges.tolist(),
            "before": layer.before.tolist(),
            "after": layer.after.tolist(),
            "spread_before": layer.spread_before,
            "spread_after": layer.spread_after,
        }
        for inputs, outputs, layer in zip(
            sizes[:-1], sizes[1:], backend().findings.histograms(card.id), strict=True
        )
    ]
    return jsonify(model=card.id, layers=layers)


@blueprint.get(
    "/models/<ref>/first-layer",
    summary="What the first layer looks for",
    responses={200: FirstLayer, **problems(404, 409, 422)},
)
def first_layer(path: ModelPath, query: NeuronQuery) -> Response:
    """Give the weights of the first layer's neurons as pictures, the most changed first."""
    model_id = backend().models.card(path.ref).id
    layer = backend().findings.first_layer(model_id)
    with backend().findings.turn:  # 1,024 neurons are 1.6 million numbers
        answer = {
            "model": model_id,
            "count": len(layer.neurons),
            "neurons": [
                {
                    "neuron": int(neuron),
                    "change": float(change),
                    "before": _rounded(layer.before[neuron]),
                    "after": _rounded(layer.after[neuron]),
                }
                for neuron, change in zip(
                    layer.neurons[: query.limit], layer.changes[: query.limit], strict=True
                )
            ],
        }
        # Python's own writer lets no other thread run meanwhile, for seconds.
        return Response(orjson.dumps(answer), content_type=JSON)


@blueprint.get(
    "/models/<ref>/first-layer.png",
    summary="The same as one picture",
    responses={
        200: {
            "description": "28×28 pixels a neuron, side by side: grey 128 is a weight of 0, "
            "lighter positive, darker negative.",
            "content": {"image/png": {"schema": {"type": "string", "format": "binary"}}},
        },
        **problems(404, 409, 422),
    },
)
def first_layer_picture(path: ModelPath, query: NeuronQuery) -> Response:
    """Draw the trained weights of the first layer, the most changed neurons first."""
    layer = backend().findings.first_layer(backend().models.card(path.ref).id)
    picture = signed_grey(layer.after[layer.neurons[: query.limit]])
    return Response(encode_png(picture), content_type="image/png")


def _rounded(picture: Array) -> list[list[float]]:
    return [[float(f"{weight:.{DIGITS}g}") for weight in row] for row in picture.tolist()]
