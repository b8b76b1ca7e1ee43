"""What people choose when they upload a file, and how far its import has come."""

from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from stepbox.data.builtin import DATASETS
from stepbox.data.dataset import DATASET_NAME
from stepbox.data.plane import GeneratedData
from stepbox.errors import invalid_field

Side = Literal[28, 32, 48, 64]
Color = Literal["grey", "rgb"]
Stage = Literal["reading", "converting", "checking", "writing", "predicting"]


def _is_free(name: str) -> str:
    if name in DATASETS or name.startswith("d-") or not DATASET_NAME.fullmatch(name):
        raise invalid_field(
            "must be 1 to 60 lower-case letters, digits, '-', '_' or '.', starting with a letter "
            f"or digit, but not with 'd-', and not {' or '.join(DATASETS)}"
        )
    if GeneratedData.of_name(name):
        raise invalid_field("must not be the name of a generated data set")
    return name


class ImportOptions(BaseModel):
    """How to make a data set from an uploaded file."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    name: Annotated[str, AfterValidator(_is_free)] = Field(
        description="The name of the data set: lower-case letters, digits, `-`, `_` and `.`. It "
        "refers to the newest data set of this name.",
    )
    test: float = Field(
        0.2,
        ge=0.01,
        le=0.5,
        description="The share of samples to hold out for testing, if the file has no test part.",
    )
    seed: int = Field(0, ge=0, le=2**32 - 1, description="Seed of this split, which is stratified.")
    size: Side | None = Field(
        None,
        description="Pixels a side to which all images are converted. By default the median of "
        "their longer sides, at most 64. Only for image files.",
    )
    color: Color | None = Field(
        None,
        description="`grey` or `rgb`. By default `rgb` if any image has colors. Only for image "
        "files.",
    )
    label: str = Field(
        "label",
        min_length=1,
        max_length=200,
        description="Name of the column that has the classes, in a table.",
    )


class ImportProgress(BaseModel):
    """The progress of an import, or of the prediction of a data set."""

    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False)

    stage: Stage = Field(
        description="What the job does now: an import reads, converts, writes and "
        "checks; a prediction reads and converts what was uploaded, and is `predicting`."
    )
    samples: int = Field(description="Samples done in this stage.")
    samples_total: int | None = Field(description="Samples to do; null while unknown.")
    fraction: float = Field(ge=0, le=1, description="Estimated share of the job that is done.")
    eta_seconds: float | None = Field(description="Estimated seconds left; null while unknown.")
