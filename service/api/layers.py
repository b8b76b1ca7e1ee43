"""The layers of models: their shapes and their weights, before and after training."""

from collections.abc import Sequence
from dataclasses import fields
from itertools import islice
from typing import Any

from flask import Response, jsonify
from flask_openapi3 import APIBlueprint
from pydantic import BaseModel, Field

from service.api.inspection import TAG
from service.api.models import ModelPath
from service.api.parameters import BINARY, Parameters
from service.api.predict.explain import Values
from service.api.rounding import WEIGHT_DIGITS, rounded
from service.api.samples import MOST_VALUES, json_of
from service.backend import backend
from service.bodies.bounds import LAYERS_BYTES, Bound
from service.errors import problems
from stepbox.analysis.inspection import channels_in_rows, signed_grey
from stepbox.errors import NotFoundError
from stepbox.images.decode import encode_png
from stepbox.nn.activations import Array
from stepbox.nn.layer import LayerSpec
from stepbox.nn.network import type_of
from stepbox.store.card import Card, ModelId

MOST_NEURONS = 1024

blueprint = APIBlueprint("layers", __name__, abp_tags=[TAG])


class LayerPath(ModelPath):
    """Path parameters: a layer of a model."""

    layer: int = Field(
        description="Index of the layer, from 0, as in `GET /models/{ref}/layers`.",
        json_schema_extra={"example": 0},
    )


class NeuronQuery(Parameters):
    """Query parameters: how many neurons to list."""

    limit: int = Field(
        MOST_NEURONS,
        ge=1,
        le=MOST_NEURONS,
        description="Maximum number of neurons to list. If they had more than "
        f"{MOST_VALUES:,} weights, fewer are listed.",
    )


class LayerDescription(BaseModel):
    """A layer: its type and options, and its shapes. Options of other types are omitted."""

    layer: int = Field(description="Index of the layer, from 0.")
    type: str = Field(description="`convolution`, `max-pool` or `dense`.")
    neurons: int | None = Field(None, description="Of a dense layer: number of neurons.")
    channels: int | None = Field(None, description="Of a convolution: number of filters.")
    kernel: int | None = Field(
        None, description="Of a convolution: rows and columns of a filter, in pixels."
    )
    size: int | None = Field(
        None, description="Of a max-pooling layer: rows and columns of a window, in pixels."
    )
    stride: int | None = Field(
        None, description="Of a convolution or a max-pooling layer: pixels between two windows."
    )
    padding: int | None = Field(
        None, description="Of a convolution: black pixels added on each side of its input."
    )
    activation: str | None = Field(
        description="The activation function that follows it; null for none."
    )
    input_shape: list[int] = Field(
        description="Shape of its input: [height, width, channels], [height, width] or [inputs]."
    )
    output_shape: list[int] = Field(
        description="Shape of its output: [height, width, channels] or [neurons]."
    )
    parameters: int = Field(description="Number of weights and biases.")


class Layers(BaseModel):
    """The layers of a network, in order from the input. The last one computes the logits."""

    model: ModelId
    layers: list[LayerDescription]


class LayerNeuron(BaseModel):
    """A neuron of a dense layer, or a filter of a convolution.

    The weights of a neuron have the shape of the layer's input. Those of a filter have the shape
    (kernel, kernel), or (kernel, kernel, channels) if its input has several channels.
    """

    neuron: int = Field(description="Index of the neuron or the filter in the layer, from 0.")
    change: float = Field(description="Euclidean distance between its weights before and after.")
    before: Values = Field(description="Untrained weights, to four digits.")
    after: Values = Field(description="Trained weights, to four digits.")


class LayerNeurons(BaseModel):
    """The neurons of a dense layer or the filters of a convolution, the most changed first."""

    model: ModelId
    layer: int = Field(description="Index of the layer, from 0.")
    count: int = Field(description="Number of neurons or filters in the layer.")
    columns: list[str] | None = Field(
        description="Names of the columns of a vector, in the order of the weights; null for "
        "images, without names, or if the layer is not the first one."
    )
    neurons: list[LayerNeuron]


PICTURE: dict[int | str, Any] = {
    200: {
        "description": "The weights of each neuron or filter, side by side. Level 128 is a weight "
        "of 0; lighter is positive, darker is negative. In a first layer of color images, each of "
        "red, green and blue shows the weights of its channel. In other layers, the input channels "
        "are below each other.",
        "content": {"image/png": BINARY},
    },
    **problems(404, 409, 422),
}


@blueprint.get("/models/<ref>/layers", responses={200: Layers, **problems(404, 409)})
def list_layers(path: ModelPath) -> Response:
    """List the layers of a model, with their options, shapes and numbers of parameters."""
    card = backend().models.card(path.ref)
    return jsonify(
        model=card.id,
        layers=[describe_layer(number, spec) for number, spec in enumerate(card.layers)],
    )


@blueprint.get(
    "/models/<ref>/layers/<int:layer>/filters",
    responses={200: LayerNeurons, **problems(404, 409, 422)},
)
@Bound(memory_bytes=LAYERS_BYTES)
def filters(path: LayerPath, query: NeuronQuery) -> Response:
    """List the filters of a convolution or the neurons of a dense layer, with their weights."""
    card = backend().models.card(path.ref)
    return _neurons(card, _check_weights(card, path.layer), query)


@blueprint.get("/models/<ref>/layers/<int:layer>/filters.png", responses=PICTURE)
@Bound(memory_bytes=LAYERS_BYTES)
def filters_picture(path: LayerPath, query: NeuronQuery) -> Response:
    """Draw the trained weights of a layer, the most changed neurons or filters first."""
    card = backend().models.card(path.ref)
    return _picture(card, _check_weights(card, path.layer), query)


@blueprint.get(
    "/models/<ref>/first-layer", responses={200: LayerNeurons, **problems(404, 409, 422)}
)
@Bound(memory_bytes=LAYERS_BYTES)
def first_layer(path: ModelPath, query: NeuronQuery) -> Response:
    """List the neurons or filters of the first layer with weights, the most changed first."""
    card = backend().models.card(path.ref)
    return _neurons(card, first_with_weights(card.layers), query)


@blueprint.get("/models/<ref>/first-layer.png", responses=PICTURE)
@Bound(memory_bytes=LAYERS_BYTES)
def first_layer_picture(path: ModelPath, query: NeuronQuery) -> Response:
    """Draw the trained weights of the first layer with weights, the most changed first."""
    card = backend().models.card(path.ref)
    return _picture(card, first_with_weights(card.layers), query)


def describe_layer(number: int, spec: LayerSpec) -> dict[str, Any]:
    """Return the fields of `LayerDescription`."""
    options = {field.name: getattr(spec, field.name) for field in fields(spec)}
    return {
        "layer": number,
        "type": type_of(spec),
        "activation": None,  # unless the layer has this option
        **options,
        "output_shape": spec.output_shape,
        "parameters": spec.parameters,
    }


def _neurons(card: Card, layer: int, query: NeuronQuery) -> Response:
    weights = backend().figures.layer_weights(card.id, layer)
    is_first = layer == first_with_weights(card.layers)
    with backend().figures.turn:  # at most two such large responses at a time
        return json_of(
            {
                "model": card.id,
                "layer": layer,
                "count": len(weights.neurons),
                "columns": card.dataset.columns if is_first else None,
                "neurons": [
                    {
                        "neuron": int(neuron),
                        "change": float(change),
                        "before": rounded(weights.before[neuron], WEIGHT_DIGITS),
                        "after": rounded(weights.after[neuron], WEIGHT_DIGITS),
                    }
                    for neuron, change in islice(
                        zip(weights.neurons, weights.changes, strict=True),
                        listed(weights.after, query.limit),
                    )
                ],
            }
        )


def _picture(card: Card, layer: int, query: NeuronQuery) -> Response:
    weights = backend().figures.layer_weights(card.id, layer)
    pictures = weights.after[weights.neurons[: listed(weights.after, query.limit)]]
    if pictures.ndim == 2:
        raise NotFoundError(f"layer {layer} takes vectors, so its weights cannot be drawn")
    is_color = len(card.dataset.shape) == 3 and layer == first_with_weights(card.layers)
    image = signed_grey(pictures if is_color else channels_in_rows(pictures))
    return Response(encode_png(image), content_type="image/png")


def listed(weights: Array, limit: int) -> int:
    """Return how many neurons a response may list. Each has an entry of `weights`."""
    size: int = weights[0].size
    return min(limit, max(1, MOST_VALUES // size))


def first_with_weights(layers: Sequence[LayerSpec]) -> int:
    """Return the index of the first layer with weights."""
    return next(number for number, spec in enumerate(layers) if spec.parameters)


def _check_weights(card: Card, layer: int) -> int:
    """Return the index of a layer. Raise NotFoundError if there is none, or it has no weights."""
    check_layer(card, layer)
    if not card.layers[layer].parameters:
        raise NotFoundError(f"layer {layer} is a pooling layer, which has no weights")
    return layer


def check_layer(card: Card, layer: int) -> None:
    """Raise NotFoundError if a model has no such layer."""
    if layer >= len(card.layers):
        raise NotFoundError(f"the layers are numbered 0 to {len(card.layers) - 1}")
