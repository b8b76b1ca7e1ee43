"""The activations of a network for the images of a request, with some neurons switched off."""

import re
from typing import Any

import numpy as np
from pydantic import BaseModel, Field

from service.api.predict.preparation import Fields
from stepbox.data.dataset import MOST_CLASSES, PixelScale, scale_pixels
from stepbox.errors import InvalidInputError
from stepbox.nn.network import Network

MOST_IMAGES = 10  # with activations: the largest networks give 0.4 MB for each image
MOST_OFF_LETTERS = 10_000  # of `off`; about as many as a request line can have

_NEURON = re.compile(r"(\d{1,4})\.(\d{1,4})")


class LayerActivations(BaseModel):
    """What one layer of a network puts out for an image."""

    activations: list[float] = Field(
        description="One number for each neuron. Hidden layers: after the activation function. "
        "Last layer: the logits."
    )
    contributions: list[list[float]] | None = Field(
        None,
        min_length=1,
        max_length=MOST_CLASSES,
        description="Only in the last layer: for each class, and for each neuron of the last "
        "hidden layer, its activation times its weight, which it adds to the logit of the class. "
        "Without hidden layers, the same for each input.",
    )
    biases: list[float] | None = Field(
        None,
        min_length=1,
        max_length=MOST_CLASSES,
        description="Only in the last layer: for each class, its bias. A logit is the sum of its "
        "contributions and its bias.",
    )


def read_off(text: str, network: Network) -> list[tuple[int, int]]:
    """Read which neurons are switched off, such as ``1.17,2.3``.

    Returns
    -------
    list[tuple[int, int]]
        Number of the hidden layer, from 1, and index of the neuron, from 0; sorted, each once.

    Raises
    ------
    InvalidInputError
        The text has another form, or the network has no such neuron.
    """
    sizes = [len(layer.arrays["bias"]) for layer in network.layers[:-1]]
    neurons = set()
    for part in text.split(","):
        match = _NEURON.fullmatch(part)
        if match is None:
            raise InvalidInputError.at(
                "/off", "must be neurons such as 1.17,2.3: hidden layer (from 1), dot, neuron"
            )
        layer, neuron = int(match[1]), int(match[2])
        if not sizes:
            raise InvalidInputError.at("/off", f"{part}: this network has no hidden layers")
        if not 1 <= layer <= len(sizes):
            raise InvalidInputError.at(
                "/off", f"{part}: the hidden layers have the numbers 1 to {len(sizes)}"
            )
        if neuron >= sizes[layer - 1]:
            raise InvalidInputError.at(
                "/off", f"{part}: the neurons of layer {layer} are 0 to {sizes[layer - 1] - 1}"
            )
        neurons.add((layer, neuron))
    return sorted(neurons)


def describe_layers(
    network: Network, fields: Fields, pixel_scale: PixelScale
) -> list[list[dict[str, Any]]]:
    """Return the activations of each layer for each image, as `LayerActivations` has them."""
    inputs = scale_pixels(fields.pixels, pixel_scale, network.dtype)
    pre_activations, activations = network.forward(inputs)
    last = network.layers[-1].arrays
    weights, biases = (last[name].astype(np.float64) for name in ("weight", "bias"))
    hidden = [outputs.astype(np.float64) for outputs in activations[1:]]
    logits = pre_activations[-1].astype(np.float64)
    return [
        [
            *({"activations": outputs[index].tolist()} for outputs in hidden),
            {
                "activations": logits[index].tolist(),
                "contributions": (weights * activations[-1][index]).tolist(),
                "biases": biases.tolist(),
            },
        ]
        for index in range(len(inputs))
    ]
