"""The URLs of a job and of its result."""

from collections.abc import Mapping
from typing import Self

from pydantic import BaseModel, Field


class JobLinks(BaseModel):
    """URLs of this job and its result."""

    self: str
    events: str
    cancel: str
    model: str | None
    dataset: str | None
    result: str | None = Field(description="What a prediction has found. Null before success.")

    @classmethod
    def of(cls, id: str, result: Mapping[str, str]) -> Self:
        """Make the URLs of a job.

        Parameters
        ----------
        id
            Id of the job.
        result
            The hash ``job:{id}`` of a job that has succeeded; empty for others.
        """
        model, dataset = result.get("model"), result.get("dataset")
        return cls.model_validate(
            {
                "self": f"/jobs/{id}",
                "events": f"/jobs/{id}/events",
                "cancel": f"/jobs/{id}/cancel",
                "model": f"/models/{model}" if model else None,
                "dataset": f"/datasets/{dataset}" if dataset else None,
                "result": f"/predictions/{id}" if "prediction" in result else None,
            }
        )
