"""Recipes: everything that a training's result depends on, validated.

`stepbox.training.loop` says when the same recipe gives the same weights.
"""

import json
from collections.abc import Collection
from typing import Annotated, Any, Literal, Self

from pydantic import Field

from stepbox.data.dataset import (
    DATASET_FORMAT,
    DATASET_NAME,
    Augmentation,
    DatasetSpec,
    PixelScale,
)
from stepbox.errors import Fault, InvalidInputError
from stepbox.nn.activations import ActivationName
from stepbox.nn.backprop import GradientKind
from stepbox.nn.layer import Initialization, LayerSpec
from stepbox.registry import KeyOf
from stepbox.training.checks import Checked
from stepbox.training.descriptions import DESCRIPTIONS
from stepbox.training.holdout import held_out_per_class
from stepbox.training.layer_options import (
    MOST_HIDDEN_SIZES,
    MOST_LAYERS,
    DenseOptions,
    HiddenLayer,
    LayerOptions,
    check_limits,
    replaced,
    specify,
)

RecipeName = Annotated[str, KeyOf(DESCRIPTIONS)]
Engine = Literal["numpy", "torch"]
Optimizer = Literal["sgd", "adamw"]
Schedule = Literal["constant", "cosine", "one-cycle"]
Normalization = Literal["none", "batch"]
ClassWeights = Literal["none", "balanced"]


class Recipe(Checked):
    """Everything that a training depends on.

    Validation also rejects combinations of allowed values that conflict, such as an optimizer that
    the engine does not support.
    """

    name: RecipeName = Field(description="The named recipe that this one started from.")
    engine: Engine = Field(
        description="`numpy`: hand-written backpropagation in float64; `torch`: PyTorch in "
        "float32, on CUDA if a device is visible. Either engine trains on every data set."
    )
    dataset: str = Field(
        pattern=f"^{DATASET_NAME.pattern}$",
        json_schema_extra={"format": DATASET_FORMAT},
        description="The data set to train and test on: the name of a built-in one, or the id of "
        "an uploaded one. A request may also give its name, which means the newest of this name.",
    )
    hidden_sizes: (
        Annotated[
            tuple[Annotated[int, Field(ge=1, le=1024)], ...],
            # JSON has arrays, not tuples.
            Field(max_length=MOST_HIDDEN_SIZES, fail_fast=True, strict=False),
        ]
        | None
    ) = Field(
        json_schema_extra={"example": [32, 16]},
        description="Neurons of each hidden layer, starting at the input; empty for a single "
        "softmax layer. The short form of `layers` for dense layers; null if `layers` is given.",
    )
    layers: (
        Annotated[tuple[HiddenLayer, ...], Field(max_length=MOST_LAYERS, strict=False)] | None
    ) = Field(
        None,
        json_schema_extra={
            "example": [
                {"type": "convolution", "channels": 8, "kernel": 5},
                {"type": "max-pool", "size": 2},
            ]
        },
        description="The hidden layers, starting at the input: `convolution` and `max-pool` for "
        "images, and `dense`. A dense layer for the classes is added. `activation` follows each "
        "convolution and each dense layer. Null if `hidden_sizes` is given.",
    )
    activation: ActivationName = Field(description="Activation function of the hidden layers.")
    epochs: int = Field(ge=1, le=1000, description="Passes over the training images.")
    learning_rate: float = Field(gt=0, le=10, description="Step size of gradient descent.")
    batch_size: int = Field(
        ge=1,
        le=10_000,
        description="Images per update; must be 1 if `gradient` is `published`.",
    )
    seed: int = Field(
        ge=0, le=2**32 - 1, description="Seed of all random numbers, initial weights included."
    )
    shuffle: bool = Field(
        description="Visit the training images in a new random order in each epoch, instead of in "
        "the order of the data set."
    )
    pixel_scale: PixelScale = Field(
        description="`unit`: pixels divided by 255; `raw`: values as they are, pixels 0 to 255. "
        "Always `raw` for vectors."
    )
    gradient: GradientKind = Field(
        description="`exact`: the true gradient. `published` (engine `numpy` only): the published "
        "gradient, with two deviations. The derivative of the activation function is evaluated "
        "at the activation instead of the pre-activation, and each layer is updated before the "
        "gradient passes through it."
    )
    # These have defaults, so that recipes written before these fields existed can be read.
    initialization: Initialization = Field(
        "default",
        description="Initial weights. `default`: in `numpy`, N(0, 1 / max(n_in, n_out)) and biases "
        "of 0; in `torch`, the default of its layers. `he`: N(0, 2 / n_in) and biases of 0, for "
        "layers followed by a ReLU. n_in weights lead to one output, and n_out from one input.",
    )
    optimizer: Optimizer = Field(
        "sgd",
        description="`sgd`: plain gradient descent; `adamw` (engine `torch` only): steps scaled "
        "by running moments of the gradient, with decoupled weight decay.",
    )
    weight_decay: float = Field(
        0.0,
        ge=0,
        le=1,
        description="Each step multiplies all parameters by 1 − `weight_decay` × learning rate; "
        "only with `adamw`.",
    )
    schedule: Schedule = Field(
        "constant",
        description="How the learning rate changes during the training. `constant`; `cosine`: down "
        "to 0 along half a cosine; `one-cycle`: up from `learning_rate` / 25 to `learning_rate` "
        "in the first 30 % of the steps, then down to almost 0.",
    )
    dropout: float = Field(
        0.0,
        ge=0,
        le=0.9,
        description="Share of each hidden layer's neurons that a step leaves out at random "
        "(engine `torch` only); in convolutions, of the channels.",
    )
    normalization: Normalization = Field(
        "none",
        description="`batch`: normalize pre-activations over each batch (engine `torch` only); "
        "folded into the weights of the finished model.",
    )
    standardize: bool = Field(
        False,
        description="Shift and scale the inputs to mean 0 and standard deviation 1 over the "
        "training set: all pixels together, or each feature of a vector. Always `true` for "
        "vectors. Folded into the first layer with weights of the finished model.",
    )
    augmentation: Augmentation = Field(
        "none",
        description="Vary the training images in each epoch. `affine`: rotate, stretch and "
        "move, for handwriting; `distort`: the same, but less, and warp smoothly; `mirror-shift`: "
        "mirror half of the images, at random, and move about half by one pixel, for clothes. A "
        "data set says which of them make sense for it; a named recipe uses `none` on all others.",
    )
    single_precision: bool = Field(
        False,
        description="Calculate in 32-bit instead of 64-bit floats, which makes large layers up to "
        "twice as fast; the engine `torch` always does.",
    )
    validation: float = Field(
        0.0,
        ge=0,
        le=0.5,
        description="Share of the training samples of each class to hold out, at random. The "
        "network is not trained on them, but evaluated after each epoch.",
    )
    early_stopping: Annotated[int, Field(ge=1, le=1000)] | None = Field(
        None,
        description="End the training after so many epochs in a row without a lower validation "
        "loss than before; null never does. It needs `validation` above 0. The model is that of "
        "the last epoch.",
    )
    class_weights: ClassWeights = Field(
        "none",
        description="`balanced`: multiply the loss of each sample by n / (k · n_c), so that rare "
        "classes count as much as frequent ones: n samples of k classes, n_c of this class, over "
        "the samples trained on. The train loss is then the weighted mean.",
    )
    from_model: Annotated[str, Field(min_length=1, max_length=64)] | None = Field(
        None,
        description="Id of a model whose weights to start from, instead of random ones; null for "
        "none. Its inputs and hidden layers must be the same, as must its activation function and "
        "pixel scale. If the number of classes differs, the last layer is new. A request may also "
        "give an alias, or `latest`.",
    )

    def layer_specs(self, spec: DatasetSpec) -> tuple[LayerSpec, ...]:
        """Return the layers of the network for a data set, with their shapes.

        Raises
        ------
        InvalidInputError
            A layer does not fit its input, or the network is too large.
        """
        specs = specify(spec.shape, self.hidden_layers, self.activation, len(spec.classes))
        if self.layers is not None:
            check_limits(specs)
        return specs

    @property
    def hidden_layers(self) -> tuple[LayerOptions, ...]:
        """The hidden layers, also if the recipe has `hidden_sizes`."""
        if self.layers is not None:
            return self.layers
        return tuple(DenseOptions(type="dense", neurons=size) for size in self.hidden_sizes or ())

    @property
    def network_field(self) -> tuple[str, Any]:
        """The field that gives the hidden layers, `hidden_sizes` or `layers`, and its value."""
        if self.layers is None:
            return "hidden_sizes", list(self.hidden_sizes or ())
        return "layers", [layer.model_dump() for layer in self.layers]

    def trained_samples(self, spec: DatasetSpec) -> int:
        """Return the number of samples of a data set that an epoch trains on."""
        return spec.train.samples - sum(held_out_per_class(self.validation, spec.train.per_class))

    def fitted(self, spec: DatasetSpec, given: Collection[str] = ()) -> Self:
        """Return this recipe for a data set, whose kind determines some of the fields.

        Parameters
        ----------
        spec
            The data set.
        given
            The fields that a user has chosen, which must not change.

        Raises
        ------
        InvalidInputError
            One of these fields does not fit the data set.
        """
        fields: dict[str, Any] = {"dataset": spec.key}
        if spec.kind == "vectors":
            fields |= {"pixel_scale": "raw", "standardize": True}
        if self.augmentation not in spec.augmentations:
            fields["augmentation"] = "none"
        faults = [
            Fault(f"/{name}", f"must be {json.dumps(value)} for the data set {spec.name!r}")
            for name, value in fields.items()
            if name in given and name != "dataset" and getattr(self, name) != value
        ]
        held_out = held_out_per_class(self.validation, spec.train.per_class)
        if self.validation and held_out and not any(held_out):
            detail = f"is too small to hold out a sample of the data set {spec.name!r}"
            faults.append(Fault("/validation", detail))
        if self.normalization == "batch" and self.trained_samples(spec) % self.batch_size == 1:
            detail = "leaves one sample for the last batch: batch normalization needs at least 2"
            faults.append(Fault("/batch_size", detail))
        try:
            self.layer_specs(spec)
        except InvalidInputError as error:
            faults += error.faults
        if faults:
            raise InvalidInputError(faults)
        return self.changed(**fields)

    def check_start(self, spec: DatasetSpec, model: Self, model_spec: DatasetSpec) -> None:
        """Raise InvalidInputError unless this recipe can continue a model.

        Parameters
        ----------
        spec
            The data set to train on.
        model, model_spec
            The model's recipe and data set.
        """
        short = self.layers is None and model.layers is None

        def fixed(recipe: Self, dataset: DatasetSpec) -> str:
            """Describe what must be the same: all but the classes."""
            hidden = [layer.model_dump() for layer in recipe.hidden_layers]
            name, value = recipe.network_field if short else ("layers", hidden)
            inputs = f"inputs of shape {json.dumps([*dataset.shape])} ({recipe.pixel_scale})"
            return f"{inputs}, {name} {json.dumps(value)} and activation {recipe.activation}"

        theirs, ours = fixed(model, model_spec), fixed(self, spec)
        if theirs != ours:
            detail = f"the model has {theirs}; this training has {ours}: they must be the same"
            raise InvalidInputError.at("/from_model", detail)

    def changed(self, **changes: Any) -> Self:
        """Return this recipe with some fields changed, validated as a whole."""
        return self.model_validate(replaced(self.model_dump(), changes))

    @classmethod
    def complete(cls, given: dict[str, Any]) -> dict[str, Any]:
        """Add the defaults of the fields that have one."""
        fields = cls.model_fields.items()
        return {name: field.default for name, field in fields if not field.is_required()} | given
