"""The server itself: its state, its workers and its metrics."""

from __future__ import annotations

from collections.abc import Sequence

from stepbox.client.answers import Answer
from stepbox.client.requests import R, Request, Resource, of, operation, request, text


class System(Resource[R]):
    """The state of the server."""

    @operation
    def get(self) -> Request[Answer]:
        """Describe workers, devices, the queue, data sets and versions."""
        return request("GET /system", of(Answer))

    @operation
    def live(self) -> Request[Answer]:
        """Tell whether the server runs."""
        return request("GET /livez", of(Answer))

    @operation
    def ready(self, *, exclude: Sequence[str] | None = None) -> Request[Answer]:
        """List what is ready and what is not; a BusyError says that something is not."""
        return request("GET /readyz", of(Answer), exclude=exclude)

    @operation
    def access(self) -> Request[Answer]:
        """Tell whether a token is needed, and what the one of this client allows."""
        return request("GET /access", of(Answer))

    @operation
    def metrics(self) -> Request[str]:
        """Return the metrics in the format of Prometheus."""
        return request("GET /metrics", text)

    @operation
    def drain_worker(self, name: str) -> Request[Answer]:
        """Let a worker take no more jobs, and give back the one that it runs."""
        path = "POST /workers/{name}/drain"
        return request(path, of(Answer), name=name, repeatable=True)

    @operation
    def resume_worker(self, name: str) -> Request[Answer]:
        """Let a worker take jobs again."""
        path = "POST /workers/{name}/resume"
        return request(path, of(Answer), name=name, repeatable=True)
