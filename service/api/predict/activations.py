"""The activations of a network for the images of a request, with some neurons switched off."""

import re
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from pydantic import BaseModel, Field

from service.api.predict.preparation import Fields
from service.api.samples import MOST_VALUES
from stepbox.analysis.feature_maps import layer_outputs
from stepbox.data.dataset import MOST_CLASSES, PixelScale, scale_pixels
from stepbox.errors import InvalidInputError
from stepbox.nn.layer import LayerSpec
from stepbox.nn.network import Network, type_of

MOST_IMAGES = 10  # with activations
MOST_OFF_LETTERS = 10_000  # of `off`; about as many as a request line can have

_NEURON = re.compile(r"(\d{1,4})\.(\d{1,4})")

Winners = list[list[list[tuple[int, int]]]]


class LayerActivations(BaseModel):
    """What one layer of a network puts out for an image."""

    type: str = Field(description="`convolution`, `max-pool` or `dense`.")
    shape: list[int] = Field(
        description="Shape of the output: [height, width, channels] or [neurons]."
    )
    activations: list[float] = Field(
        description="One number for each neuron, or the feature maps, row by row, with the "
        "channels of a pixel next to each other. Hidden layers: after the activation function. "
        "Last layer: the logits."
    )
    winners: Winners | None = Field(
        None,
        description="Only in a max-pooling layer: for each of its outputs, [row, column] of the "
        "maximum in the layer's input.",
    )
    contributions: list[list[float]] | None = Field(
        None,
        min_length=1,
        max_length=MOST_CLASSES,
        description="Only in the last layer: for each class, and for each of the last hidden "
        "layer's `activations`, the activation times its weight, which it adds to the logit of the "
        "class. Without hidden layers, the same for each input.",
    )
    biases: list[float] | None = Field(
        None,
        min_length=1,
        max_length=MOST_CLASSES,
        description="Only in the last layer: for each class, its bias. A logit is the sum of its "
        "contributions and its bias.",
    )


def read_off(text: str, specs: Sequence[LayerSpec]) -> list[tuple[int, int]]:
    """Read which neurons are switched off, such as ``1.17,2.3``.

    Parameters
    ----------
    text
        For each neuron, the number of the hidden layer, from 1, a dot, and its index, from 0. In a
        convolution or a pooling layer, it is the index of a channel.
    specs
        The layers of the network.

    Returns
    -------
    list[tuple[int, int]]
        Number of the hidden layer, from 1, and index of the neuron, from 0; sorted, each once.

    Raises
    ------
    InvalidInputError
        The text has another form, or the network has no such neuron.
    """
    hidden = specs[:-1]
    neurons = set()
    for part in text.split(","):
        match = _NEURON.fullmatch(part)
        if match is None:
            raise InvalidInputError.at(
                "/off", "must be neurons such as 1.17,2.3: hidden layer (from 1), dot, neuron"
            )
        layer, neuron = int(match[1]), int(match[2])
        if not hidden:
            raise InvalidInputError.at("/off", f"{part}: this network has no hidden layers")
        if not 1 <= layer <= len(hidden):
            raise InvalidInputError.at(
                "/off", f"{part}: the hidden layers have the numbers 1 to {len(hidden)}"
            )
        *image, count = hidden[layer - 1].output_shape
        if neuron >= count:
            what = "channels" if image else "neurons"
            raise InvalidInputError.at(
                "/off", f"{part}: the {what} of layer {layer} are 0 to {count - 1}"
            )
        neurons.add((layer, neuron))
    return sorted(neurons)


def most_with_activations(specs: Sequence[LayerSpec]) -> int:
    """Return how many images a response can have with the activations of such a network.

    Raises
    ------
    InvalidInputError
        It can have none.
    """
    numbers = sum(spec.outputs for spec in specs) + specs[-1].parameters
    if numbers > MOST_VALUES:
        raise InvalidInputError.at(
            "/activations",
            f"would add {numbers:,} numbers for each image, and a response can have {MOST_VALUES:,}"
            ": GET /models/{ref}/feature-maps returns a single layer",
        )
    return min(MOST_IMAGES, MOST_VALUES // numbers)


def describe_layers(
    network: Network, specs: Sequence[LayerSpec], fields: Fields, pixel_scale: PixelScale
) -> Iterator[dict[str, Any]]:
    """Yield for each image the activations of each layer, as `LayerActivations` has them."""
    weights, biases = (
        network.layers[-1].arrays[name].astype(np.float64) for name in ("weight", "bias")
    )
    for image in fields.pixels:
        inputs = scale_pixels(image[None], pixel_scale, network.dtype)
        layers: list[dict[str, Any]] = []
        for spec, output in zip(specs, layer_outputs(network, inputs), strict=True):
            layers.append(
                {
                    "type": type_of(spec),
                    "shape": spec.output_shape,
                    "activations": output.values.astype(np.float64).ravel(),
                }
            )
            if output.winners is not None:
                layers[-1]["winners"] = output.winners[0]
        before = layers[-2]["activations"] if len(layers) > 1 else inputs[0].astype(np.float64)
        layers[-1] |= {"contributions": weights * before, "biases": biases}
        yield {"layers": layers}
