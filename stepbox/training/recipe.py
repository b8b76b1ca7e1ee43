"""Recipes: what is to be trained, validated.

A recipe fixes everything that a training's result depends on; `stepbox.training.loop` says how far
that goes.
"""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

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
        fail_fast=True,
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
