"""Sweeps: many trainings that search for the best values of some fields."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from stepbox.client.answers import JobRecord, SweepPage, SweepRecord
from stepbox.client.bodies import given, json_body
from stepbox.client.events import Event
from stepbox.client.requests import (
    R,
    Request,
    Resource,
    events_of,
    of,
    operation,
    request,
    stream,
    submission,
)


class Sweeps(Resource[R]):
    """Sweeps, whose trials are jobs."""

    @operation
    def start(
        self,
        /,
        space: Mapping[str, Any],
        *,
        recipe: str | None = None,
        idempotency_key: str | None = None,
        **fields: Any,
    ) -> Request[SweepRecord]:
        """Start a sweep; the fields are those of the body, for example ``trials=30``."""
        return submission(
            "POST /sweeps",
            SweepRecord,
            idempotency_key,
            body=json_body(given(recipe=recipe) | {"space": space} | fields),
        )

    @operation
    def list(self, *, limit: int | None = None, after: str | None = None) -> Request[SweepPage]:
        """List sweeps without their trials, newest first."""
        return request("GET /sweeps", of(SweepPage), limit=limit, after=after)

    @operation
    def get(self, id: str) -> Request[SweepRecord]:
        """Return the current state of a sweep, with its trials."""
        return request("GET /sweeps/{id}", of(SweepRecord), id=id)

    @stream
    def events(self, id: str, *, last_event_id: str | None = None) -> Request[Event]:
        """Yield the events of a sweep since its creation, or after the one with this id."""
        return events_of("GET /sweeps/{id}/events", last_event_id, id=id)

    @operation
    def cancel(self, id: str) -> Request[SweepRecord]:
        """Cancel a sweep and all its trials."""
        return request("POST /sweeps/{id}/cancel", of(SweepRecord), id=id)

    @operation
    def train_winner(self, id: str) -> Request[JobRecord]:
        """Train the winner of a sweep that has ended, on all training samples."""
        return request("POST /sweeps/{id}/winner", of(JobRecord), id=id)
