"""The card of a model: what it is, how it was made and how well it does."""

import platform
import re
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Annotated, Literal, Self

import numpy as np
from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field

from stepbox import __version__
from stepbox.data.builtin import DATASETS, DatasetName
from stepbox.training.recipe import Recipe

MODEL_ID = re.compile("m-[0-9a-f]{12}")
MOST_CARD_BYTES = 2**20  # of a file: 1,000 epochs, as many as there may be, take 170,000

ModelId = Annotated[
    str,
    Field(
        pattern=f"^{MODEL_ID.pattern}$",
        description="Id of the model.",
        examples=["m-3f9c02d17ab4"],
    ),
]
Share = Annotated[float, Field(ge=0, le=1)]
Nats = Annotated[float, Field(ge=0)]
Count = Annotated[int, Field(ge=0)]
Sha256 = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


def _in_utc(time: datetime) -> datetime:
    try:
        return time.astimezone(UTC)
    except OverflowError:
        raise ValueError("in UTC it is not in the years 1 to 9999") from None


Moment = Annotated[AwareDatetime, AfterValidator(_in_utc)]


class _Part(BaseModel):
    # What a later version adds to a card is passed over; the library's own figures are taken
    # by their attributes.
    model_config = ConfigDict(
        frozen=True, extra="ignore", from_attributes=True, allow_inf_nan=False
    )


class HistoryEntry(_Part):
    """The figures at the end of an epoch."""

    epoch: Count = Field(description="Number of the epoch from 1; 0 is the untrained network.")
    train_loss: Nats | None = Field(
        description="Mean over the epoch of each sample's cross-entropy as seen before its "
        "update, in nats; null for epoch 0."
    )
    test_loss: Nats = Field(description="Mean cross-entropy of a test sample, in nats.")
    test_accuracy: Share = Field(
        description="Share of right answers on the test set, 0 to 1, of this epoch alone."
    )
    seconds: float = Field(ge=0, description="Time spent training, evaluation left out.")


class CalibrationBin(_Part):
    """The test samples whose top probability lies in [low, high); in the last bin also 1."""

    low: Share = Field(description="Lower edge.")
    high: Share = Field(description="Upper edge.")
    count: Count = Field(description="Number of samples.")
    confidence: Share | None = Field(description="Mean top probability; null in an empty bin.")
    accuracy: Share | None = Field(description="Share of right answers; null in an empty bin.")


class EvaluationReport(_Part):
    """How the finished network does on the test set."""

    loss: Nats = Field(description="Mean cross-entropy of a sample, in nats.")
    accuracy: Share = Field(description="Share of right answers, 0 to 1.")
    confusion_matrix: tuple[tuple[Count, ...], ...] = Field(
        description="Counts: one row per true class, one column per predicted class."
    )
    precision: tuple[Share | None, ...] = Field(
        description="For each class, the share of right answers among those that named it; null "
        "where none did."
    )
    recall: tuple[Share | None, ...] = Field(
        description="For each class, the share of its samples that were recognised; null where "
        "there are none."
    )
    expected_calibration_error: Share = Field(
        description="Mean over the samples of their bin's |accuracy − confidence|, 0 to 1."
    )
    bins: tuple[CalibrationBin, ...] = Field(
        description="Ten equal bins of the top probability, from 0 to 1."
    )


class DatasetReference(_Part):
    """The data set that a model was trained on."""

    name: DatasetName = Field(description="Its name.")
    checksum: Sha256 = Field(
        description="SHA-256 of what `md5sum` prints of its four files: the training images and "
        "labels, then those of the test."
    )


class StoredWeights(_Part):
    """A file of weights, as it must be."""

    bytes: int = Field(ge=1, description="Its size.")
    sha256: Sha256 = Field(description="SHA-256 of its content.")
    dtype: Literal["F64", "F32"] = Field(
        description="Type of all its numbers: 64-bit or 32-bit floats."
    )


class ComputerReport(_Part):
    """What computed the weights: their last bits depend on it, the versions, recipe and data."""

    processor: str = Field(description="Name of the processor or of the GPU.")
    instructions: str = Field(
        description="Kind of instructions that the engine used of it, for instance `znver3 avx2`."
    )
    threads: int = Field(ge=1, description="Threads that shared a sum.")


class Cost(_Part):
    """What a training took."""

    peak_memory: int = Field(
        ge=0,
        description="Most bytes held at once: of the training's process, on CUDA of the device.",
    )
    samples_per_second: float | None = Field(
        description="Mean pace of training, evaluation left out."
    )


class Versions(_Part):
    """The versions of what trained a model."""

    python: str = Field(description="Version of Python.")
    numpy: str = Field(description="Version of NumPy.")
    torch: str | None = Field(description="Version of torch; null where it was not used.")
    numba: str | None = Field(
        None, description="Version of Numba, which compiles the engine `numpy`; null where unused."
    )
    stepbox: str = Field(description="Version of Stepbox.")

    @classmethod
    def here(cls, *, torch: bool) -> Self:
        """Tell the versions of this process, of torch and Numba that of the one that is used."""
        return cls(
            python=platform.python_version(),
            numpy=np.__version__,
            torch=version("torch") if torch else None,
            numba=None if torch else version("numba"),
            stepbox=__version__,
        )


class CardDraft(_Part):
    """What a training knows about its model; the store adds the rest."""

    id: ModelId
    job: str = Field(min_length=1, description="Id of the job that trained it.")
    recipe: Recipe = Field(description="What was trained, all fields resolved.")
    history: tuple[HistoryEntry, ...] = Field(description="One entry an epoch, epoch 0 first.")
    evaluation: EvaluationReport = Field(description="The finished network on the test set.")
    device: str = Field(min_length=1, description="Where it was trained: `cpu` or `cuda`.")
    computer: ComputerReport | None = Field(
        None, description="What computed the weights; null in cards of earlier versions."
    )
    cost: Cost | None = Field(
        None, description="What the training took; null in cards of earlier versions."
    )
    created_at: Moment = Field(
        default_factory=lambda: datetime.now(UTC), description="When the training ended, in UTC."
    )


class Card(CardDraft):
    """What a model is, how it was made and how well it does."""

    dataset: DatasetReference = Field(description="The data set that it was trained on.")
    classes: tuple[str, ...] = Field(
        description="Names of the classes, in the order of the outputs.",
        json_schema_extra={
            "minItems": min(len(spec.classes) for spec in DATASETS.values()),
            "maxItems": max(len(spec.classes) for spec in DATASETS.values()),
        },
    )
    parameters: int = Field(ge=1, description="Number of weights and biases.")
    weights: StoredWeights = Field(description="The file `weights.safetensors`.")
    initial: StoredWeights = Field(
        description="The file `initial.safetensors`: the same network, untrained."
    )
    versions: Versions = Field(description="The versions of what trained it.")
