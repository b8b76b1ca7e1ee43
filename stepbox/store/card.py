"""The card of a model: what it is, how it was trained and how well it performs."""

import platform
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Annotated, Any, Literal, Self

import numpy as np
from pydantic import AfterValidator, AwareDatetime, BeforeValidator, Field, model_validator

from stepbox import __version__
from stepbox.data.builtin import DATASETS
from stepbox.data.dataset import DatasetSpec
from stepbox.errors import InvalidInputError
from stepbox.nn.layer import LayerSpec
from stepbox.training.computer import ComputerReport
from stepbox.training.evaluation import EvaluationReport
from stepbox.training.labels import Notes, Tags, Title
from stepbox.training.recipe import Recipe
from stepbox.training.report import HistoryEntry, LossEntry, Report

CARD = "card.json"
MODEL_ID = re.compile("m-[0-9a-f]{12}")
MOST_CARD_BYTES = 2**25  # limit of the file; a confusion matrix of 1,000 classes takes 7 MB

ModelId = Annotated[
    str,
    Field(
        pattern=f"^{MODEL_ID.pattern}$",
        description="Id of the model.",
        json_schema_extra={"format": "id of a model", "example": "m-3f9c02d17ab4"},
    ),
]
Sha256 = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


def _in_utc(time: datetime) -> datetime:
    try:
        return time.astimezone(UTC)
    except OverflowError:
        raise ValueError("it is outside the years 1 to 9999 in UTC") from None


Moment = Annotated[AwareDatetime, AfterValidator(_in_utc)]


def _described(dataset: Any) -> Any:
    """Return the description of a built-in data set, of which earlier cards have only the name."""
    if isinstance(dataset, Mapping):
        built_in = DATASETS.get(str(dataset.get("name")))
        if built_in is not None and dataset.get("id", built_in.id) == built_in.id:
            return built_in
    return dataset


class StoredWeights(Report):
    """A file of weights that the card describes."""

    bytes: int = Field(ge=1, description="Its size.")
    sha256: Sha256 = Field(description="SHA-256 of its content.")
    dtype: Literal["F64", "F32"] = Field(
        description="Type of all its numbers: 64-bit or 32-bit floats."
    )


class StoredSteps(Report):
    """The file of a training's steps that the card describes."""

    bytes: int = Field(ge=1, description="Its size.")
    sha256: Sha256 = Field(description="SHA-256 of its content.")
    steps: int = Field(ge=1, description="Number of steps of the training.")
    snapshots: int = Field(ge=1, description="Number of steps whose parameters are kept.")


class Cost(Report):
    """The cost of a training."""

    peak_memory: int = Field(
        ge=0,
        description="Peak memory in bytes: of the training's process, or on CUDA, of the device.",
    )
    samples_per_second: float | None = Field(
        description="Mean speed of the training, without the evaluation."
    )


class Versions(Report):
    """The versions of the software that trained a model."""

    python: str = Field(description="Version of Python.")
    numpy: str = Field(description="Version of NumPy.")
    torch: str | None = Field(description="Version of torch; null where it was not used.")
    numba: str | None = Field(
        None, description="Version of Numba, which compiles the engine `numpy`; null for `torch`."
    )
    llvmlite: str | None = Field(
        None,
        description="Version of llvmlite, with which Numba compiles; null for `torch`, and in "
        "cards of earlier versions.",
    )
    libc: str | None = Field(
        None,
        description="The C library; null if not known, and in cards of earlier versions.",
    )
    stepbox: str = Field(description="Version of Stepbox.")

    @classmethod
    def here(cls, *, torch: bool) -> Self:
        """Return the versions in this process: of torch for its engine, of Numba for the other."""
        return cls(
            python=platform.python_version(),
            numpy=np.__version__,
            torch=version("torch") if torch else None,
            numba=None if torch else version("numba"),
            llvmlite=None if torch else version("llvmlite"),
            libc=" ".join(platform.libc_ver()).strip() or None,
            stepbox=__version__,
        )


class CardDraft(Report):
    """What a training knows about its model; the store adds the rest."""

    id: ModelId
    job: str = Field(min_length=1, description="Id of the job that trained it.")
    recipe: Recipe = Field(description="The recipe that was trained, with all fields.")
    dataset: Annotated[DatasetSpec, BeforeValidator(_described)] = Field(
        description="The data set that it was trained on, as it was described then."
    )
    history: tuple[HistoryEntry, ...] = Field(description="One entry per epoch, epoch 0 first.")
    losses: tuple[LossEntry, ...] | None = Field(
        None,
        description="The train loss within the epochs, as in the job. Null in cards of earlier "
        "versions and in the list of models.",
    )
    evaluation: EvaluationReport = Field(description="Evaluation on the test set.")
    device: str = Field(min_length=1, description="The device that trained it: `cpu` or `cuda`.")
    computer: ComputerReport | None = Field(
        None, description="The computer that trained it; null in cards of earlier versions."
    )
    cost: Cost | None = Field(
        None, description="Cost of the training; null in cards of earlier versions."
    )
    submitted_by: str | None = Field(
        None,
        description="Owner of the model, as in its job. Null if it has none, and in cards of "
        "earlier versions.",
    )
    created_at: Moment = Field(
        default_factory=lambda: datetime.now(UTC), description="When the training ended, in UTC."
    )
    title: Title = None
    notes: Notes = ""
    tags: Tags = ()

    @model_validator(mode="after")
    def _check_layers(self) -> Self:
        """Reject a network that is impossible or too large, before anything is allocated."""
        try:
            self.layers  # noqa: B018
        except InvalidInputError as error:
            raise ValueError(f"the layers do not fit the data set: {error}") from None
        return self

    @property
    def layers(self) -> tuple[LayerSpec, ...]:
        """The layers of the network, with their shapes."""
        return self.recipe.layer_specs(self.dataset)


class Card(CardDraft):
    """What a model is, how it was trained and how well it performs."""

    classes: tuple[str, ...] = Field(
        description="Names of the classes, in the order of the outputs."
    )
    parameters: int = Field(ge=1, description="Number of weights and biases.")
    weights: StoredWeights = Field(description="The file `weights.safetensors`.")
    initial: StoredWeights = Field(
        description="The file `initial.safetensors`: the same network, untrained."
    )
    steps: StoredSteps | None = Field(
        None,
        description="The file `steps.safetensors`, from which each step can be computed again. "
        "Null in cards of earlier versions, and if the network is too large.",
    )
    versions: Versions = Field(description="The versions of the software that trained it.")
