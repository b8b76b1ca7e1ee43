"""The hidden layers that a recipe can name, with their options and limits."""

from itertools import accumulate
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from stepbox.errors import InvalidInputError
from stepbox.nn.activations import ActivationName
from stepbox.nn.layer import LayerSpec, Shape
from stepbox.nn.network import LAYERS, ImpossibleLayerError, layer_specs

MOST_HIDDEN_SIZES = 8
MOST_LAYERS = 16
# Limits of a whole network with `layers`, which keep the memory and the time of a prediction small.
MOST_PARAMETERS = 8_000_000  # 64 MB of 64-bit floats
MOST_OUTPUTS = 2**20  # of one layer, for one sample: 8 MiB
MOST_PRODUCTS = 250_000_000  # multiplications for one sample: about 10 ms on one core


class LayerOptions(BaseModel):
    """The options of a hidden layer."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class ConvolutionOptions(LayerOptions):
    """A convolution: each channel of its output is the input filtered by one small kernel."""

    type: Literal["convolution"] = Field(description="The type of layer.")
    channels: int = Field(ge=1, le=256, description="Number of filters, and so of feature maps.")
    kernel: int = Field(ge=1, le=15, description="Rows and columns of a filter.")
    stride: int = Field(1, ge=1, le=8, description="Pixels between two windows.")
    padding: int = Field(
        0, ge=0, le=7, description="Black pixels that are added on each side of the input."
    )


class MaxPoolOptions(LayerOptions):
    """A max-pooling layer: it keeps the maximum of each window of each channel."""

    type: Literal["max-pool"] = Field(description="The type of layer.")
    size: int = Field(ge=1, le=8, description="Rows and columns of a window.")
    stride: int = Field(
        default_factory=lambda given: given.get("size", 1),
        ge=1,
        le=8,
        description="Pixels between two windows; if omitted, `size`, so that they do not overlap.",
    )


class DenseOptions(LayerOptions):
    """A dense layer: every neuron depends on every value of the layer before."""

    type: Literal["dense"] = Field(description="The type of layer.")
    neurons: int = Field(ge=1, le=1024, description="Number of neurons.")


HiddenLayer = Annotated[
    ConvolutionOptions | MaxPoolOptions | DenseOptions, Field(discriminator="type")
]


def specify(
    input_shape: Shape, layers: tuple[LayerOptions, ...], activation: ActivationName, classes: int
) -> tuple[LayerSpec, ...]:
    """Make the specifications of a network: the hidden layers, then a dense one for the classes.

    Parameters
    ----------
    input_shape
        Shape of one sample.
    layers
        The hidden layers.
    activation
        Activation function of the hidden layers, except those that never have one.
    classes
        Number of classes.

    Raises
    ------
    InvalidInputError
        A layer does not fit the output of the one before.
    """
    hidden: list[dict[str, Any]] = [layer.model_dump() for layer in layers]
    for layer in hidden:
        if "activation" in LAYERS[layer["type"]].__dataclass_fields__:
            layer["activation"] = activation
    try:
        specs = layer_specs(input_shape, [*hidden, {"type": "dense", "neurons": classes}])
    except ImpossibleLayerError as error:
        detail = f"{error}{_way_to(error.before)}"
        raise InvalidInputError.at(f"/layers/{error.layer}", detail) from None
    return specs


def _way_to(specs: tuple[LayerSpec, ...]) -> str:
    """Say in words which sizes the layers before an impossible one have."""
    if not specs:
        return ""
    shapes = [specs[0].input_shape, *(spec.output_shape for spec in specs)]
    sizes = [" × ".join(map(str, shape[:2])) for shape in shapes]
    return f". The sizes before it: {' → '.join(sizes)}"


def check_limits(specs: tuple[LayerSpec, ...]) -> None:
    """Raise InvalidInputError if a network with `layers` is too large."""
    last = len(specs) - 2  # the layer of the classes is not in the recipe
    limits = (
        ([spec.outputs for spec in specs], MOST_OUTPUTS, "outputs of a layer"),
        (
            list(accumulate(spec.parameters for spec in specs)),
            MOST_PARAMETERS,
            "parameters of all layers",
        ),
        (
            list(accumulate(spec.products for spec in specs)),
            MOST_PRODUCTS,
            "multiplications for one sample",
        ),
    )
    for counts, limit, what in limits:
        for number, count in enumerate(counts):
            if count > limit:
                detail = f"makes {count:,} {what}: at most {limit:,} are allowed"
                raise InvalidInputError.at(f"/layers/{max(0, min(number, last))}", detail)


def replaced(fields: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """Return the fields of a recipe with some of them replaced.

    `layers` and `hidden_sizes` describe the same thing, so each of them replaces the other.
    """
    fields = fields | changes
    for name, other in (("layers", "hidden_sizes"), ("hidden_sizes", "layers")):
        if changes.get(name) is not None and other not in changes:
            fields[other] = None
    return fields
