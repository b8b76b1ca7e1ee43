"""What a model makes of a test sample: the output of each layer, and what its answer depends on."""

from itertools import islice
from typing import Any

import numpy as np
from flask import Response
from flask_openapi3 import APIBlueprint
from numpy.typing import NDArray
from pydantic import BaseModel, Field

from service.api.inspection import TAG
from service.api.layers import LayerPath, check_layer
from service.api.models import ModelPath
from service.api.parameters import Parameters
from service.api.predict.activations import Winners
from service.api.predict.explain import GRADIENT_DIGITS, Values, describe_occlusion
from service.api.rounding import rounded
from service.api.samples import MOST_VALUES, PNG, check_images, json_of, png
from service.backend import backend
from service.bodies.bounds import LAYERS_BYTES, Bound
from service.errors import problems
from service.server.client_disconnected import raise_if_disconnected
from stepbox.analysis.feature_maps import LayerOutput, layer_outputs
from stepbox.analysis.inspection import input_gradient, signed_grey
from stepbox.analysis.occlusion import OcclusionMap, occlude
from stepbox.data.dataset import MOST_CLASSES, scale_pixels
from stepbox.errors import InvalidInputError
from stepbox.nn.activations import Array
from stepbox.nn.losses import softmax
from stepbox.nn.network import Network, type_of
from stepbox.store.card import Card, ModelId

MAP_DIGITS = 4  # significant ones

blueprint = APIBlueprint("feature_maps", __name__, abp_tags=[TAG])


class SampleQuery(Parameters):
    """Query parameters: a test sample."""

    index: int = Field(0, ge=0, description="Index of the test sample, from 0.")


class FeatureMapQuery(SampleQuery):
    """Query parameters: a test sample, and perhaps a layer."""

    layer: int | None = Field(
        None,
        ge=0,
        description="List only this layer, from 0. It is needed if all layers have more than "
        f"{MOST_VALUES:,} numbers.",
    )


class LayerMaps(BaseModel):
    """The output of one layer for a sample."""

    layer: int = Field(description="Index of the layer, from 0.")
    type: str = Field(description="`convolution`, `max-pool` or `dense`.")
    shape: list[int] = Field(
        description="Shape of the output: [height, width, channels] or [neurons]."
    )
    maps: Values = Field(
        description="The output in this shape, after the activation function, to four digits; in "
        "the last layer, the logits."
    )
    winners: Winners | None = Field(
        None,
        description="Only of a max-pooling layer: for each of its outputs, [row, column] of the "
        "maximum in the layer's input.",
    )


class FeatureMaps(BaseModel):
    """What each layer of a network makes of a test sample."""

    model: ModelId
    index: int = Field(description="Index of the test sample.")
    label: int = Field(ge=0, le=MOST_CLASSES - 1, description="Its class.")
    predicted: int = Field(ge=0, le=MOST_CLASSES - 1, description="The class that is predicted.")
    layers: list[LayerMaps]


class Attribution(BaseModel):
    """On which parts of a test image the prediction depends."""

    model: ModelId
    index: int = Field(description="Index of the test image.")
    label: int = Field(ge=0, le=MOST_CLASSES - 1, description="Its class.")
    class_: int = Field(
        alias="class", ge=0, le=MOST_CLASSES - 1, description="The class that is predicted."
    )
    probability: float = Field(ge=0, le=1, description="Its probability.")
    gradient: Values = Field(
        description="Derivative of the logit of this class with respect to each input, in the "
        f"shape of the image, with {GRADIENT_DIGITS} significant digits."
    )
    occlusion: OcclusionMap


@blueprint.get(
    "/models/<ref>/feature-maps", responses={200: FeatureMaps, **problems(404, 409, 422, 503)}
)
@Bound(memory_bytes=LAYERS_BYTES)
def feature_maps(path: ModelPath, query: FeatureMapQuery) -> Response:
    """Return the output of each layer for a test sample, and where maxima come from."""
    card, network = backend().models.load(path.ref)
    specs = card.layers
    if query.layer is None:
        numbers = sum(spec.outputs for spec in specs)
        if numbers > MOST_VALUES:
            raise InvalidInputError.at(
                "/layer", f"is needed, because all layers have {numbers:,} numbers together"
            )
    elif query.layer >= len(specs):
        raise InvalidInputError.at("/layer", f"must be from 0 to {len(specs) - 1}")
    sample, label = _sample(card, query.index)
    with backend().figures.turn:  # at most two such large responses at a time
        layers = []
        for number, output in enumerate(layer_outputs(network, _inputs(card, network, sample))):
            if query.layer in (None, number):
                layers.append(_maps(number, type_of(specs[number]), output))
        return json_of(
            {
                "model": card.id,
                "index": query.index,
                "label": label,
                "predicted": int(output.values.argmax()),
                "layers": layers,
            }
        )


@blueprint.get(
    "/models/<ref>/feature-maps/<int:layer>.png",
    responses={
        200: {
            "description": "The feature maps of the layer side by side. Level 128 is 0; lighter is "
            "positive, darker is negative.",
            **PNG,
        },
        304: {"description": "Unchanged."},
        **problems(404, 409, 422, 503),
    },
)
@Bound(memory_bytes=LAYERS_BYTES)
def feature_maps_picture(path: LayerPath, query: SampleQuery) -> Response:
    """Draw the output of a layer for a test sample: all channels of it, or all neurons."""
    card, network = backend().models.load(path.ref)
    check_layer(card, path.layer)
    sample, _ = _sample(card, query.index)

    def draw() -> NDArray[np.uint8]:
        with backend().figures.turn:
            outputs = layer_outputs(network, _inputs(card, network, sample))
            [values] = next(islice(outputs, path.layer, None)).values
            maps = values if values.ndim == 3 else values[None, None]  # a pixel for each neuron
            return signed_grey(np.moveaxis(maps, -1, 0))

    return png(f"{card.id}-{path.layer}-{query.index}", draw)


@blueprint.get(
    "/models/<ref>/attribution", responses={200: Attribution, **problems(404, 409, 422, 503)}
)
@Bound(memory_bytes=LAYERS_BYTES)
def attribution(path: ModelPath, query: SampleQuery) -> Response:
    """Say on which parts of a test image a prediction depends.

    `gradient` is what a small change of a pixel does. `occlusion` is what it does to cover a part
    of the image: this runs the network up to 400 times.
    """
    card, network = backend().models.load(path.ref)
    spec, scale = card.dataset, card.recipe.pixel_scale
    check_images(spec)
    image, label = _sample(card, query.index)
    with backend().figures.turn:
        inputs = _inputs(card, network, image)
        [probabilities] = softmax(network.logits(inputs).astype(np.float64))
        predicted = probabilities.argmax()
        [gradient] = input_gradient(network, inputs, predicted[None])
        covered = occlude(network, image, int(predicted), spec, scale, raise_if_disconnected)
        return json_of(
            {
                "model": card.id,
                "index": query.index,
                "label": label,
                "class": int(predicted),
                "probability": float(probabilities[predicted]),
                "gradient": rounded(gradient.reshape(image.shape), GRADIENT_DIGITS),
                "occlusion": describe_occlusion(covered),
            }
        )


def _sample(card: Card, index: int) -> tuple[NDArray[Any], int]:
    """Return a test sample and its class."""
    test_set = backend().test_set(card)
    if index >= len(test_set.labels):
        raise InvalidInputError.at("/index", f"must be from 0 to {len(test_set.labels) - 1}")
    return test_set.take(np.array([index]))[0], int(test_set.labels[index])


def _inputs(card: Card, network: Network, sample: NDArray[Any]) -> Array:
    return scale_pixels(sample[None], card.recipe.pixel_scale, network.dtype)


def _maps(number: int, kind: str, output: LayerOutput) -> dict[str, Any]:
    """Return the fields of `LayerMaps` for `json_of`."""
    [values] = output.values
    fields = {
        "layer": number,
        "type": kind,
        "shape": values.shape,
        "maps": rounded(values, MAP_DIGITS),
    }
    return fields if output.winners is None else {**fields, "winners": output.winners[0]}
