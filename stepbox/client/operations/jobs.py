"""Jobs: start trainings, list jobs, read, follow, cancel and delete them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypedDict, Unpack

from stepbox.client.answers import Answer, JobPage, JobRecord, RecipeList, Status
from stepbox.client.bodies import given, json_body
from stepbox.client.events import Event
from stepbox.client.requests import (
    R,
    Request,
    Resource,
    events_of,
    maybe,
    nothing,
    of,
    operation,
    request,
    stream,
    submission,
)


class Labels(TypedDict, total=False):
    """The labels to change; omitted ones stay as they are."""

    title: str | None
    notes: str
    tags: Sequence[str]


class Jobs(Resource[R]):
    """Trainings and other jobs."""

    @operation
    def recipes(self) -> Request[RecipeList]:
        """List the named recipes with all their fields."""
        return request("GET /recipes", of(RecipeList))

    @operation
    def train(
        self, /, recipe: str | None = None, *, idempotency_key: str | None = None, **fields: Any
    ) -> Request[JobRecord]:
        """Start a training; the fields are those of the body, for example ``epochs=3``."""
        return submission(
            "POST /train",
            JobRecord,
            idempotency_key,
            body=json_body(given(recipe=recipe) | fields),
        )

    @operation
    def list(
        self, *, status: Status | None = None, limit: int | None = None, after: str | None = None
    ) -> Request[JobPage]:
        """List jobs, newest first."""
        return request("GET /jobs", of(JobPage), status=status, limit=limit, after=after)

    @operation
    def get(self, id: str) -> Request[JobRecord]:
        """Return the current state of a job, with its losses within the epochs."""
        return request("GET /jobs/{id}", of(JobRecord), id=id)

    @operation
    def label(self, id: str, **labels: Unpack[Labels]) -> Request[JobRecord]:
        """Change the title, notes or tags of a job, and of its model if it has one."""
        return request("PATCH /jobs/{id}", of(JobRecord), id=id, body=json_body(labels))

    @operation
    def delete(self, id: str) -> Request[None]:
        """Delete a finished job with its history and events. Its model is not deleted."""
        return request("DELETE /jobs/{id}", nothing, id=id)

    @operation
    def cancel(self, id: str) -> Request[JobRecord]:
        """Cancel a job: a queued job at once, a running job within 2 seconds."""
        return request("POST /jobs/{id}/cancel", of(JobRecord), id=id)

    @stream
    def events(self, id: str, *, last_event_id: str | None = None) -> Request[Event]:
        """Yield the events of a job since its creation, or after the one with this id.

        When the connection breaks, the stream is opened again after the last event.
        """
        return events_of("GET /jobs/{id}/events", last_event_id, id=id)

    @operation
    def first_layer(self, id: str, *, limit: int | None = None) -> Request[Answer | None]:
        """Return the first layer of a running job's network; None if there is none yet."""
        return request("GET /jobs/{id}/first-layer", maybe(Answer), id=id, limit=limit)

    @operation
    def mistakes(
        self, id: str, *, limit: int | None = None, offset: int | None = None
    ) -> Request[Answer | None]:
        """List mistakes of a running job's network; None if there is none yet."""
        return request("GET /jobs/{id}/mistakes", maybe(Answer), id=id, limit=limit, offset=offset)
