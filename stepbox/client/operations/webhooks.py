"""Deliveries of webhooks."""

from __future__ import annotations

from stepbox.client.answers import Answer
from stepbox.client.requests import R, Request, Resource, of, operation, request


class Webhooks(Resource[R]):
    """Deliveries of webhooks. ``id`` is that of the job that has ended."""

    @operation
    def list(
        self, *, state: str | None = None, limit: int | None = None, after: str | None = None
    ) -> Request[Answer]:
        """List deliveries, those whose jobs ended last first."""
        return request("GET /webhooks", of(Answer), state=state, limit=limit, after=after)

    @operation
    def get(self, id: str) -> Request[Answer]:
        """Return the delivery of a job that has ended."""
        return request("GET /webhooks/{id}", of(Answer), id=id)

    @operation
    def retry(self, id: str) -> Request[Answer]:
        """Deliver again, at once, and with further attempts for a day."""
        return request("POST /webhooks/{id}/retry", of(Answer), id=id)
