"""What decides when and where a job runs. No result depends on it."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

LEAST_MEMORY, MOST_MEMORY = 2**20, 2**40


Priority = Annotated[
    int,
    Field(
        ge=-100,
        le=100,
        description="Of the queued jobs of an owner, those with the highest priority start first. "
        "It changes nothing for other owners.",
    ),
]


class Requirements(BaseModel):
    """What a job requires of the worker that runs it."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", strict=True, json_schema_extra={"example": {"device": "cuda"}}
    )

    device: Literal["cuda", "cpu"] | None = Field(
        None,
        description="`cuda`: a worker that trains on CUDA, for the engine `torch` only; `cpu`: one "
        "without CUDA; null: any worker.",
    )
    memory: Annotated[int, Field(ge=LEAST_MEMORY, le=MOST_MEMORY)] | None = Field(
        None,
        description="Bytes of memory that the worker must have, in its control group or else its "
        "machine; rounded up to 1, 2, 4, … 1,024 GiB. Null: any worker.",
    )


NO_REQUIREMENTS = Requirements()
