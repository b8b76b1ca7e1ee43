"""The parameters and responses of the steps of a training."""

from typing import Literal

from pydantic import BaseModel, Field, RootModel

from service.api.models import ModelPath
from service.api.parameters import Parameters
from service.api.predict.explain import Values
from service.api.samples import MOST_VALUES
from stepbox.analysis.step_trace import Kind
from stepbox.store.card import ModelId
from stepbox.training.step_record import MOST_LOSSES

GROUPS = 600  # of the curve of the loss, unless a client asks for others
MOST_GROUPS = 5000
FULL_GRADIENT = 4096  # numbers of a layer's gradient that are sent unless the weights are


class StepPath(ModelPath):
    """Path parameters: a step of a model's training."""

    step: int = Field(
        description="Number of the step, from 1 to `steps`.", json_schema_extra={"example": 1}
    )


class IndexQuery(Parameters):
    """Query parameters: an overview of all steps, or a search for one."""

    every: int | None = Field(
        None,
        ge=1,
        description=f"Number of steps in a group of `loss`. There may be up to {MOST_GROUPS:,} "
        f"groups. Without it, there are up to {GROUPS}.",
    )
    where: Literal["wrong", "largest"] | None = Field(
        None,
        description="Find a step instead: the next one in which a sample was classified wrongly, "
        "or the one with the largest loss.",
    )
    after: int = Field(0, ge=0, le=2**53, description="With `where`: only steps after this one.")


class Losses(BaseModel):
    """The losses of groups of steps, before the updates, in nats. Lists have one entry a group."""

    every: int = Field(description="Number of steps in a group. The last one can be smaller.")
    mean: list[float]
    low: list[float] = Field(description="The 10 % quantile.")
    high: list[float] = Field(description="The 90 % quantile.")
    most: list[float] = Field(description="The largest loss.")


class Angles(BaseModel):
    """The angle between the published and the exact gradient, in the steps after each snapshot."""

    every: int = Field(
        description="Number of steps between two snapshots; fewer before the end of an epoch. "
        "`snapshots` has the steps themselves."
    )
    layers: list[list[list[float | None]]] = Field(
        description="For each layer: the lower quartile, the median and the upper quartile of the "
        "angle in degrees, each with an entry for each snapshot. Null where a gradient is 0. The "
        "last layer is left out, because its gradients are equal."
    )


class StepJumps(BaseModel):
    """Steps that are worth a look. Null where there is none, or it is not known."""

    first: int
    epoch_ends: list[int] = Field(description="The last step of each epoch.")
    largest_loss: int | None = Field(description="The step with the largest loss.")
    wrong_each_epoch: int | None = Field(
        description="A step whose sample is classified wrongly in each epoch."
    )
    wrong_then_right: int | None = Field(
        description="A step whose sample is classified wrongly in each epoch but the last."
    )


class StepIndex(BaseModel):
    """An overview of all steps of a training."""

    model: ModelId
    steps: int = Field(description="Number of steps. Each is one update of the weights.")
    steps_per_epoch: int
    batch_size: int = Field(
        description="Samples of a step. The last one of an epoch may be smaller."
    )
    trained_with: str = Field(description="The gradient of the training: `exact` or `published`.")
    snapshots: list[int] = Field(
        description="The steps before which the parameters were kept, in order."
    )
    reach: int = Field(
        description="Number of steps from each snapshot on that can be opened. For others, the "
        "response is 409 `too-far`."
    )
    loss: Losses | None = Field(
        description=f"Null for trainings of more than {MOST_LOSSES:,} steps."
    )
    wrong: list[int] | None = Field(
        description="For each epoch, the number of steps in which a sample was classified wrongly. "
        "Null as `loss` is."
    )
    angles: Angles | None = Field(
        description="Null unless each step is plain gradient descent for a single sample."
    )
    jumps: StepJumps


class FoundStep(BaseModel):
    """A step that was searched for."""

    model: ModelId
    where: str
    after: int
    step: int | None = Field(description="Null if there is none.")
    loss: float | None = Field(description="Its loss before the update, in nats.")


class IndexOrFound(RootModel[StepIndex | FoundStep]):
    """An overview of all steps; or with `where`, the step that was found."""


class StepQuery(Parameters):
    """Query parameters: which numbers of a step."""

    gradient: Kind = Field(
        "exact",
        description="Which gradient `gradient` and `update` show. `exact`; `published`, with two "
        "deviations; or one with only one of them: `slope`, where the derivative of the activation "
        "function is evaluated at the activation, or `order`, where each layer is updated before "
        "the gradient passes through it. `delta` has all of them.",
    )
    include: Literal["weights"] | None = Field(
        None, description="`weights` adds the weights and the full gradients of all layers."
    )
    sample: int = Field(0, ge=0, description="Index of the sample in the step's batch, from 0.")
    layer: int | None = Field(
        None,
        ge=0,
        description="Return only this layer, from 0. It is needed if the response would have more "
        f"than {MOST_VALUES:,} numbers.",
    )


class Numbers(BaseModel):
    """An array of numbers."""

    dtype: str = Field(description="`uint8`, `float32` or `float64`, little-endian.")
    shape: list[int]
    data: str = Field(description="The numbers in row-major order, in base64.")


class ByKind(BaseModel):
    """A number for each kind of gradient. Kinds that make no sense for a training are omitted."""

    slope: float | None = None
    order: float | None = None
    published: float | None = None


class Deltas(BaseModel):
    """δ for each kind of gradient, in the shape of z."""

    exact: Values
    slope: Values | None = None
    order: Values | None = None
    published: Values | None = None


class LayerGradient(BaseModel):
    """The gradient of a layer's parameters, of the kind that `gradient` in the query names."""

    norm: float = Field(description="Its Euclidean length.")
    largest: float = Field(description="The largest absolute value.")
    weight: Numbers | None = Field(
        None,
        description="The derivatives of the weights. Omitted if the layer has more than "
        f"{FULL_GRADIENT:,} parameters, unless weights are included. In a dense layer, they are "
        "the products δ aᵀ.",
    )
    bias: Values | None = Field(None, description="The derivatives of the biases.")


class LayerUpdate(BaseModel):
    """The update of a layer's parameters: −η times the gradient."""

    norm: float = Field(description="Its Euclidean length.")
    share: float | None = Field(
        description="Its length, divided by that of the parameters; null if they are 0."
    )


class StepLayer(BaseModel):
    """The numbers of one layer. Lists have the shape of its output."""

    layer: int = Field(description="Index of the layer, from 0.")
    type: str = Field(description="`convolution`, `max-pool` or `dense`.")
    inputs: int = Field(description="Number of inputs.")
    outputs: int = Field(description="Number of outputs.")
    output_shape: list[int]
    activation: str | None = Field(description="The activation function f; null for none.")
    z: Values = Field(description="Pre-activations; in the last layer, the logits.")
    a: Values = Field(description="Activations f(z); in the last layer, the probabilities.")
    slope: Values | None = Field(description="f′(z); null without an activation function.")
    bias: list[float] | None = Field(description="Before the step; null in pooling layers.")
    weight: Numbers | None = Field(None, description="Before the step; only if it is included.")
    delta: Deltas = Field(description="δ, the derivatives of the loss with respect to z.")
    gradient: LayerGradient | None = Field(description="Null in pooling layers.")
    update: LayerUpdate | None = Field(
        description="Null in pooling layers, in batches, and if a step is not plain gradient "
        "descent."
    )
    angle: ByKind = Field(description="Angle to the exact gradient, in degrees; null if one is 0.")
    ratio: ByKind = Field(
        description="Length divided by that of the exact gradient; null if that is 0."
    )


class AfterStep(BaseModel):
    """The answer for the same sample after the step."""

    loss: float = Field(description="In nats.")
    loss_same_length: float | None = Field(
        description="After a step in the same direction that is as long as that of the exact "
        "gradient; null if the step is 0."
    )
    probabilities: list[float]


class After(BaseModel):
    """The answers after a step with each kind of gradient. In batches, only `exact` is given."""

    exact: AfterStep
    slope: AfterStep | None = None
    order: AfterStep | None = None
    published: AfterStep | None = None


class Replayed(BaseModel):
    """Where the parameters come from, and how exact they are."""

    snapshot: int = Field(description="The snapshot from which the steps were taken again.")
    checked_at: int | None = Field(
        description="The next snapshot, where the replayed parameters were compared with the kept "
        "ones; after the last step, the number of steps plus 1. Null if they were not compared, "
        "because that is too far, or because the step is itself a snapshot of torch."
    )
    difference: float | None = Field(
        description="Largest difference of a parameter there. Null if it is not known."
    )
    goal: float = Field(description="The difference should not be larger.")
    within_goal: bool | None = Field(description="Whether it is not. Null if it is not known.")


class StandardizedBy(BaseModel):
    """The inputs are (x − mean) / deviation. Lists have one entry, or one for each column."""

    mean: list[float]
    deviation: list[float]


class StepNumbers(BaseModel):
    """Every number of one step, for one sample. They are calculated in float64.

    Numbers in lists are rounded to six digits. With batch normalization or dropout, they are those
    of the finished form of the network, without dropout and with running means and variances. So
    the loss differs from that in the training.
    """

    model: ModelId
    step: int
    steps: int = Field(description="Number of steps of the training.")
    epoch: int = Field(description="From 1.")
    learning_rate: float = Field(description="η in this step, after the schedule.")
    trained_with: str = Field(description="The gradient of the training: `exact` or `published`.")
    batch_size: int = Field(description="Number of samples of the step.")
    position: int = Field(description="Index of this sample in the batch.")
    sample: int = Field(description="Index of this sample in the training set.")
    next_epoch: int | None = Field(
        description="The step that sees this sample in the next epoch; null in the last."
    )
    label: int = Field(description="The true class.")
    said: int = Field(description="The class predicted before the step.")
    input: Numbers = Field(
        description="The sample as it was trained on, after augmentation. Augmented on a GPU, it "
        "may have differed by one grey level."
    )
    pixel_scale: str = Field(description="`unit`: pixels are divided by 255; `raw`: as they are.")
    standardized_by: StandardizedBy | None = Field(description="Null if they are not standardized.")
    weight: float = Field(description="Factor of the loss: the weight of the class.")
    layers: list[StepLayer]
    loss: float = Field(description="Before the step, in nats.")
    probabilities: list[float] = Field(description="Before the step.")
    after: After | None = Field(
        description="Null if a step is not plain gradient descent, with AdamW, dropout or batch "
        "normalization, or if the step of the whole batch would take over 5 s."
    )
    replay: Replayed
