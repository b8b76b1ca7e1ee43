"""What a training reports: figures that its job, its model's card and the API all show."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Share = Annotated[float, Field(ge=0, le=1)]
Nats = Annotated[float, Field(ge=0)]
Count = Annotated[int, Field(ge=0)]


class Report(BaseModel):
    """Base of all reports: finite numbers, and fields that a later version adds are ignored."""

    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False)
