"""Recipes: what is to be trained, validated, and the named ones.

A recipe fixes everything that a training depends on. Two trainings of one
recipe on one machine's CPU give the same weights, byte for byte.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ModelWrapValidatorHandler,
    ValidationError,
    model_validator,
)
from pydantic_core import InitErrorDetails, PydanticCustomError

from stepbox.errors import Fault

RecipeName = Literal[
    "mnist-numpy",
    "mnist-numpy-published",
    "mnist-numpy-best",
    "mnist-numpy-record",
    "fashion-mnist-torch",
    "fashion-mnist-torch-best",
]
DatasetName = Literal["mnist", "fashion-mnist"]
ActivationName = Literal["sigmoid", "tanh", "relu", "gelu"]
PixelScale = Literal["unit", "raw"]
GradientKind = Literal["exact", "published"]
Initialization = Literal["default", "he"]
Optimizer = Literal["sgd", "adamw"]
Schedule = Literal["constant", "cosine", "one-cycle"]
Normalization = Literal["none", "batch"]
Augmentation = Literal["none", "distort", "mirror-shift"]

# The fields with their ranges: a recipe has all of them, a request any.
EngineField = Annotated[
    Literal["numpy", "torch"],
    Field(
        description="`numpy`: hand-written backpropagation in float64; `torch`: autograd in "
        "float32, on CUDA where a device is visible. Either trains either data set."
    ),
]
DatasetField = Annotated[
    DatasetName, Field(description="60,000 training and 10,000 test images of 28×28 pixels.")
]
HiddenSizesField = Annotated[
    tuple[Annotated[int, Field(ge=1, le=1024)], ...],
    Field(
        max_length=8,
        strict=False,  # a JSON array is no tuple
        description="Neurons of each hidden layer, from the input on; empty for a single "
        "softmax layer.",
    ),
]
ActivationField = Annotated[
    ActivationName, Field(description="Activation function of the hidden layers.")
]
EpochsField = Annotated[
    int, Field(ge=1, le=1000, description="Passes over the 60,000 training images.")
]
LearningRateField = Annotated[
    float, Field(gt=0, le=10, allow_inf_nan=False, description="Step size of gradient descent.")
]
BatchSizeField = Annotated[
    int,
    Field(
        ge=1,
        le=10_000,
        description="Images that an update is averaged over; 1 where `gradient` is `published`.",
    ),
]
SeedField = Annotated[
    int,
    Field(ge=0, le=2**32 - 1, description="Seed of the initial weights and of the shuffling."),
]
ShuffleField = Annotated[
    bool,
    Field(
        description="Visit the training images in a new random order each epoch, instead of in "
        "data-set order."
    ),
]
PixelScaleField = Annotated[
    PixelScale,
    Field(description="`unit`: pixels divided by 255; `raw`: pixels as they are, 0 to 255."),
]
GradientField = Annotated[
    GradientKind,
    Field(
        description="`exact`: the true gradient; `published`: with the source's two deviations "
        "(engine `numpy` only): the activation's derivative is taken at the activation instead "
        "of the pre-activation, and each layer is updated before the gradient passes through it."
    ),
]
InitializationField = Annotated[
    Initialization,
    Field(
        description="Initial weights. `default`: the engine's own, N(0, 1 / max(n_in, n_out)) with "
        "biases 0 in `numpy`, those of torch's linear layers in `torch`; `he`: N(0, 2 / n_in) with "
        "biases 0, for layers that end in a ReLU."
    ),
]
OptimizerField = Annotated[
    Optimizer,
    Field(
        description="`sgd`: plain gradient descent; `adamw` (engine `torch` only): steps scaled "
        "by running moments of the gradient, with decoupled weight decay."
    ),
]
WeightDecayField = Annotated[
    float,
    Field(
        ge=0,
        le=1,
        allow_inf_nan=False,
        description="Share of each weight that a step of length 1 takes away; with `adamw` only.",
    ),
]
ScheduleField = Annotated[
    Schedule,
    Field(
        description="How the learning rate goes over the training. `constant`; `cosine`: down to 0 "
        "along half a cosine; `one-cycle`: from 1/25 up to `learning_rate` in 30 % of the steps, "
        "then down to nothing."
    ),
]
DropoutField = Annotated[
    float,
    Field(
        ge=0,
        le=0.9,
        allow_inf_nan=False,
        description="Share of each hidden layer's neurons that a step leaves out at random "
        "(engine `torch` only).",
    ),
]
NormalizationField = Annotated[
    Normalization,
    Field(
        description="`batch`: pre-activations are normalized over each batch (engine `torch` "
        "only); folded into the weights of the finished model, whose layers are plain."
    ),
]
StandardizeField = Annotated[
    bool,
    Field(
        description="Shift and scale pixels to mean 0 and deviation 1 over the training set "
        "(engine `torch` only); folded into the first layer of the finished model."
    ),
]
AugmentationField = Annotated[
    Augmentation,
    Field(
        description="Vary the training images, anew each epoch. `distort`: turn, stretch, move and "
        "warp smoothly, for handwriting; `mirror-shift`: mirror every second, move most by a "
        "pixel, for clothes."
    ),
]
SinglePrecisionField = Annotated[
    bool,
    Field(
        description="Calculate in 32-bit instead of 64-bit floats, which makes large layers up to "
        "twice as fast; the engine `torch` does so in any case."
    ),
]


class Recipe(BaseModel):
    """Everything that a training depends on."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    name: RecipeName = Field(description="The named recipe that this one started from.")
    engine: EngineField
    dataset: DatasetField
    hidden_sizes: HiddenSizesField
    activation: ActivationField
    epochs: EpochsField
    learning_rate: LearningRateField
    batch_size: BatchSizeField
    seed: SeedField
    shuffle: ShuffleField
    pixel_scale: PixelScaleField
    gradient: GradientField
    # With defaults: a recipe that was written before these fields reads as what it meant.
    initialization: InitializationField = "default"
    optimizer: OptimizerField = "sgd"
    weight_decay: WeightDecayField = 0.0
    schedule: ScheduleField = "constant"
    dropout: DropoutField = 0.0
    normalization: NormalizationField = "none"
    standardize: StandardizeField = False
    augmentation: AugmentationField = "none"
    single_precision: SinglePrecisionField = False

    @property
    def layer_sizes(self) -> tuple[int, ...]:
        """Neurons of every layer: 784 pixels, the hidden layers, 10 classes."""
        return (784, *self.hidden_sizes, 10)


RECIPES: dict[RecipeName, Recipe] = {
    recipe.name: recipe
    for recipe in (
        Recipe(
            name="mnist-numpy",
            engine="numpy",
            dataset="mnist",
            hidden_sizes=(32, 32),
            activation="sigmoid",
            epochs=3,
            learning_rate=0.03,
            batch_size=1,
            seed=80085,
            shuffle=False,
            pixel_scale="unit",
            gradient="exact",
        ),
        Recipe(
            name="mnist-numpy-published",
            engine="numpy",
            dataset="mnist",
            hidden_sizes=(32, 32),
            activation="sigmoid",
            epochs=3,
            learning_rate=0.003,
            batch_size=1,
            seed=80085,
            shuffle=False,
            pixel_scale="raw",
            gradient="published",
        ),
        Recipe(
            name="mnist-numpy-best",
            engine="numpy",
            dataset="mnist",
            hidden_sizes=(512, 128),
            activation="relu",
            epochs=30,
            learning_rate=0.005,
            batch_size=1,
            seed=0,
            shuffle=True,
            pixel_scale="unit",
            gradient="exact",
            initialization="he",
            schedule="cosine",
            augmentation="distort",
            single_precision=True,
        ),
        Recipe(
            name="mnist-numpy-record",
            engine="numpy",
            dataset="mnist",
            hidden_sizes=(800, 200),
            activation="relu",
            epochs=64,
            learning_rate=0.005,
            batch_size=1,
            seed=0,
            shuffle=True,
            pixel_scale="unit",
            gradient="exact",
            initialization="he",
            schedule="cosine",
            augmentation="distort",
            single_precision=True,
        ),
        Recipe(
            name="fashion-mnist-torch",
            engine="torch",
            dataset="fashion-mnist",
            hidden_sizes=(256, 128, 64),
            activation="relu",
            epochs=60,
            learning_rate=0.01,
            batch_size=64,
            seed=0,
            shuffle=True,
            pixel_scale="unit",
            gradient="exact",
        ),
        Recipe(
            name="fashion-mnist-torch-best",
            engine="torch",
            dataset="fashion-mnist",
            hidden_sizes=(256, 128, 64),
            activation="gelu",
            epochs=120,
            learning_rate=0.004,
            batch_size=256,
            seed=0,
            shuffle=True,
            pixel_scale="unit",
            gradient="exact",
            optimizer="adamw",
            weight_decay=0.1,
            schedule="one-cycle",
            dropout=0.1,
            normalization="batch",
            standardize=True,
            augmentation="mirror-shift",
        ),
    )
}

DESCRIPTIONS: dict[RecipeName, str] = {
    "mnist-numpy": "Per-sample backpropagation written by hand in NumPy on MNIST, with the true "
    "gradient.",
    "mnist-numpy-published": "The same as the source printed it: raw pixels and its two "
    "deviations from the true gradient.",
    "mnist-numpy-best": "Per-sample backpropagation on MNIST, as accurate as a minute of one core "
    "makes it: a wider ReLU network on distorted images.",
    "mnist-numpy-record": "The same with a larger network and more epochs: minutes, for the last "
    "tenths of a percent.",
    "fashion-mnist-torch": "The source's torch network on Fashion-MNIST: mini-batch SGD, 60 "
    "epochs.",
    "fashion-mnist-torch-best": "The same layers on Fashion-MNIST, as accurate as they become: "
    "AdamW, batch normalization, varied images.",
}

DEFAULT_RECIPE: RecipeName = "mnist-numpy"


# What the NumPy engine does not do, and the value that it takes instead.
TORCH_ONLY = {"optimizer": "sgd", "dropout": 0, "normalization": "none", "standardize": False}


def conflicts(fields: Mapping[str, Any]) -> list[Fault]:
    """Name the fields whose values are each allowed but do not go together."""
    faults = []
    if fields["engine"] == "numpy":
        for name, plain in TORCH_ONLY.items():
            if fields[name] != plain:
                faults.append(
                    Fault(
                        f"/{name}",
                        f"{fields[name]!r} is known to the engine 'torch' only; use {plain!r}",
                    )
                )
    if fields["weight_decay"] and fields["optimizer"] != "adamw":
        faults.append(
            Fault("/weight_decay", "must be 0 where 'optimizer' is not 'adamw', which alone decays")
        )
    if fields["normalization"] == "batch" and fields["batch_size"] == 1:
        faults.append(Fault("/batch_size", "must be at least 2 where 'normalization' is 'batch'"))
    if fields["gradient"] == "published":
        if fields["engine"] != "numpy":
            faults.append(
                Fault("/gradient", "'published' is known to the engine 'numpy' only; use 'exact'")
            )
        if fields["batch_size"] != 1:
            faults.append(
                Fault(
                    "/batch_size",
                    "must be 1 where 'gradient' is 'published': it updates the "
                    "weights within the backward pass of one sample",
                )
            )
    return faults


def _unset() -> Any:
    """Stand for a field that a request leaves out, without showing as a default in its schema."""


class TrainRequest(BaseModel):
    """What to train: a named recipe, and the fields of it to change."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        strict=True,
        json_schema_extra={"example": {"recipe": "mnist-numpy", "epochs": 1}},
    )

    recipe: RecipeName = Field(
        DEFAULT_RECIPE, description="The named recipe to start from; other fields override its own."
    )
    engine: EngineField = Field(default_factory=_unset)
    dataset: DatasetField = Field(default_factory=_unset)
    hidden_sizes: HiddenSizesField = Field(default_factory=_unset)
    activation: ActivationField = Field(default_factory=_unset)
    epochs: EpochsField = Field(default_factory=_unset)
    learning_rate: LearningRateField = Field(default_factory=_unset)
    batch_size: BatchSizeField = Field(default_factory=_unset)
    seed: SeedField = Field(default_factory=_unset)
    shuffle: ShuffleField = Field(default_factory=_unset)
    pixel_scale: PixelScaleField = Field(default_factory=_unset)
    gradient: GradientField = Field(default_factory=_unset)
    initialization: InitializationField = Field(default_factory=_unset)
    optimizer: OptimizerField = Field(default_factory=_unset)
    weight_decay: WeightDecayField = Field(default_factory=_unset)
    schedule: ScheduleField = Field(default_factory=_unset)
    dropout: DropoutField = Field(default_factory=_unset)
    normalization: NormalizationField = Field(default_factory=_unset)
    standardize: StandardizeField = Field(default_factory=_unset)
    augmentation: AugmentationField = Field(default_factory=_unset)
    single_precision: SinglePrecisionField = Field(default_factory=_unset)

    @model_validator(mode="wrap")
    @classmethod
    def _tell_all_faults_at_once(cls, body: Any, validate: ModelWrapValidatorHandler[Self]) -> Self:
        """Look for conflicts between fields even where single fields are at fault."""
        details: list[Any] = []
        try:
            request = validate(body)
        except ValidationError as error:
            details = list(error.errors())
        if isinstance(body, Mapping):
            wrong = {detail["loc"][0] for detail in details if detail["loc"]}
            given = {name: value for name, value in body.items() if name not in wrong}
            base = RECIPES[given.get("recipe", DEFAULT_RECIPE)].model_dump()
            details += [_detail(fault) for fault in conflicts({**base, **given})]
        if details:
            raise ValidationError.from_exception_data(cls.__name__, details)
        return request

    def resolve(self) -> Recipe:
        """Give the whole recipe: the named one's fields, overridden by those of the request."""
        overrides = self.model_dump(exclude_unset=True, exclude={"recipe"})
        return RECIPES[self.recipe].model_copy(update=overrides)


def _detail(fault: Fault) -> InitErrorDetails:
    return {
        "type": PydanticCustomError("conflict", "{detail}", {"detail": fault.detail}),
        "loc": (fault.pointer.removeprefix("/"),),
        "input": None,
    }
