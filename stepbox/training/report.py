"""The figures that a training reports. Its job, its model's card and the API show them."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Share = Annotated[float, Field(ge=0, le=1)]
Nats = Annotated[float, Field(ge=0)]
Count = Annotated[int, Field(ge=0)]


class Report(BaseModel):
    """Base of all reports. Numbers must be finite. Fields of later versions are ignored."""

    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False)


class Progress(Report):
    """The progress of a training."""

    epoch: int = Field(description="The current epoch, from 1; 0 before the first.")
    epochs: int = Field(description="Number of epochs of the training.")
    samples: int = Field(description="Training images seen so far, over all epochs.")
    samples_total: int = Field(description="Training images to see, over all epochs.")
    fraction: float = Field(ge=0, le=1, description="`samples / samples_total`.")
    eta_seconds: float | None = Field(description="Estimated seconds left; null while unknown.")


class LossEntry(Report):
    """The train loss at one point of a training, also within an epoch."""

    samples: Annotated[int, Field(ge=1)] = Field(
        description="Training images seen so far, over all epochs."
    )
    train_loss: Nats = Field(
        description="Mean loss, in nats, of the images since the entry before, each before its "
        "update: the cross-entropy, times the weight of the class if `class_weights` is `balanced`."
    )


class Frame(Report):
    """A network of two inputs after one step of its training."""

    step: Count = Field(description="Number of the step, over all epochs; 0 is before the first.")
    parameters: str = Field(
        description="All parameters in base64: little-endian float32, layer by layer, of each the "
        "weights row by row, then the biases."
    )
    train_loss: Nats = Field(description="Mean cross-entropy of a training sample, in nats.")
    train_accuracy: Share = Field(description="Share of right answers on the training samples.")
    test_loss: Nats = Field(description="Mean cross-entropy of a test sample, in nats.")
    test_accuracy: Share = Field(description="Share of right answers on the test samples.")


class HistoryEntry(Report):
    """The figures at the end of an epoch."""

    epoch: Count = Field(description="Number of the epoch, from 1; 0 is the untrained network.")
    train_loss: Nats | None = Field(
        description="Mean over the epoch of each sample's loss before its update, in nats: the "
        "cross-entropy, times the weight of the class if `class_weights` is `balanced`. Null for "
        "epoch 0."
    )
    test_loss: Nats | None = Field(
        description="Mean cross-entropy of a test sample, in nats; null in trials of a sweep, "
        "which never use the test set."
    )
    test_accuracy: Share | None = Field(
        description="Share of right answers on the test set, 0 to 1, after this epoch; null in "
        "trials of a sweep."
    )
    seconds: float = Field(ge=0, description="Time spent training, without the evaluation.")
    # Entries of earlier versions do not have the following fields.
    validation_loss: Nats | None = Field(
        None,
        description="Mean cross-entropy of the samples held out for validation, in nats; null "
        "without validation.",
    )
    validation_accuracy: Share | None = Field(
        None,
        description="Share of right answers on the samples held out for validation; null without "
        "validation.",
    )
    test_balanced_accuracy: Share | None = Field(
        None,
        description="Mean share of right answers over the classes of the test set; null in "
        "trials of a sweep, and in entries of earlier versions.",
    )
    test_macro_f1: Share | None = Field(
        None,
        description="Mean F1 score over the classes of the test set; null in trials of a sweep, "
        "and in entries of earlier versions.",
    )
    test_top5_accuracy: Share | None = Field(
        None,
        description="Share of the test samples whose class is among the five most probable; null "
        "up to 20 classes, in trials of a sweep, and in entries of earlier versions.",
    )
