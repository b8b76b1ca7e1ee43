"""Handles: what programs do with one job or one sweep of the server, while it goes on."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable, Iterator
from typing import TYPE_CHECKING, Any, Generic, Self, TypeVar

from stepbox.client.answers import JobRecord, Status, SweepRecord, Trial
from stepbox.client.bars import JobBar
from stepbox.client.errors import JobCancelledError, JobFailedError, JobTimeoutError
from stepbox.client.events import Event
from stepbox.client.served_models import AsyncServedModel, ServedModel
from stepbox.errors import ConflictError

if TYPE_CHECKING:
    from stepbox.client.client import AsyncClient, Client

C = TypeVar("C", bound="Client | AsyncClient")
Record = TypeVar("Record", bound=JobRecord | SweepRecord)


class _State(ABC, Generic[C, Record]):
    """A job or a sweep of the server, and the state in which it was last seen.

    Attributes
    ----------
    record
        What the server said about it last.
    """

    def __init__(self, client: C, record: Record) -> None:
        self._client = client
        self.record = record

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.id}: {self.status}>"

    @property
    def id(self) -> str:
        """Its id."""
        return self.record.id

    @property
    def status(self) -> Status:
        """Its status when it was last seen; that of a sweep, when it was last read."""
        return self.record.status

    @property
    @abstractmethod
    def _group(self) -> Any:
        """The operations of the client that are about it."""

    def _saw(self, event: Event) -> None:
        """Remember what an event says about its state: nothing, unless it has all of it."""

    def _timer(self, timeout: float | None) -> Callable[[], None]:
        """Return a function that raises JobTimeoutError after a time."""
        start = time.monotonic()

        def check() -> None:
            if timeout is not None and time.monotonic() - start > timeout:
                raise JobTimeoutError(self.record, f"has not ended in {timeout:g} s, and goes on")

        return check

    def _raise_unless_succeeded(self) -> None:
        if self.status == "failed":
            raise JobFailedError(self.record)
        if self.status == "cancelled":
            raise JobCancelledError(self.record, "was cancelled")

    def _model_id(self) -> str:
        if self.record.model is None:
            raise ConflictError(f"{self!r} has no model")
        return self.record.model


class _Handle(_State["Client", Record]):
    """Follows and cancels a job or a sweep."""

    def wait(self, *, progress: bool = True, timeout: float | None = None) -> Self:
        """Follow it until it has succeeded, and return it.

        Parameters
        ----------
        progress
            Show a progress bar in a terminal or a notebook.
        timeout
            The longest time to wait, in seconds, and a few seconds more; None for no limit.

        Raises
        ------
        JobFailedError, JobCancelledError
            It has failed, or was cancelled.
        JobTimeoutError
            It has not ended in time. It goes on.
        """
        check = self._timer(timeout)
        if not self.record.ended:
            runner, stream = self._client._runner, self._group.events.request(self.id)
            with JobBar(self.id, progress) as bar:
                for event in runner.follow(stream, check):
                    self._saw(event)
                    bar.show(event)
            self.refresh()  # events lack what only the whole record has
        self._raise_unless_succeeded()
        return self

    def events(self, last_event_id: str | None = None) -> Iterator[Event]:
        """Yield all events since its creation, or after one of them, until it has ended.

        Then it is read again.
        """
        for event in self._group.events(self.id, last_event_id=last_event_id):
            self._saw(event)
            yield event
        self.refresh()  # events lack what only the whole record has

    def refresh(self) -> Self:
        """Read it again."""
        self.record = self._group.get(self.id)
        return self

    def cancel(self) -> Self:
        """Cancel it."""
        self.record = self._group.cancel(self.id)
        return self


class _AsyncHandle(_State["AsyncClient", Record]):
    """Follows and cancels a job or a sweep. See `_Handle`."""

    async def wait(self, *, progress: bool = True, timeout: float | None = None) -> Self:
        """Follow it until it has succeeded, and return it; see `Job.wait`."""
        check = self._timer(timeout)
        if not self.record.ended:
            runner, stream = self._client._runner, self._group.events.request(self.id)
            with JobBar(self.id, progress) as bar:
                async for event in runner.follow(stream, check):
                    self._saw(event)
                    bar.show(event)
            await self.refresh()
        self._raise_unless_succeeded()
        return self

    async def events(self, last_event_id: str | None = None) -> AsyncIterator[Event]:
        """Yield all events since its creation, or after one of them; see `Job.events`."""
        async for event in self._group.events(self.id, last_event_id=last_event_id):
            self._saw(event)
            yield event
        await self.refresh()

    async def refresh(self) -> Self:
        """Read it again."""
        self.record = await self._group.get(self.id)
        return self

    async def cancel(self) -> Self:
        """Cancel it."""
        self.record = await self._group.cancel(self.id)
        return self


class _JobState(_State[C, JobRecord]):
    @property
    def _group(self) -> Any:
        return self._client.jobs

    def _saw(self, event: Event) -> None:
        if isinstance(event.data, JobRecord):
            self.record = event.data

    @property
    def dataset(self) -> str | None:
        """Id of the data set that it has made; None if it has made none."""
        return self.record.dataset


class Job(_JobState["Client"], _Handle[JobRecord]):
    """A job of the server. `Client.train`, `upload` and `job` return it."""

    def delete(self) -> None:
        """Delete the finished job. Its model is not deleted."""
        self._client.jobs.delete(self.id)

    @property
    def model(self) -> ServedModel:
        """The model that it has trained.

        Raises
        ------
        ConflictError
            It has none, for example because it has not succeeded.
        """
        return ServedModel(self._client, self._model_id())


class AsyncJob(_JobState["AsyncClient"], _AsyncHandle[JobRecord]):
    """A job of the server. See `Job`."""

    async def delete(self) -> None:
        """Delete the finished job. Its model is not deleted."""
        await self._client.jobs.delete(self.id)

    @property
    def model(self) -> AsyncServedModel:
        """The model that it has trained; see `Job.model`."""
        return AsyncServedModel(self._client, self._model_id())


class _SweepState(_State[C, SweepRecord]):
    @property
    def _group(self) -> Any:
        return self._client.sweeps

    @property
    def trials(self) -> list[Trial]:
        """Its trials when it was last read."""
        return self.record.trials

    @property
    def best(self) -> Trial | None:
        """The best complete trial when it was last read; None if none was complete."""
        return self.record.best


class Sweep(_SweepState["Client"], _Handle[SweepRecord]):
    """A sweep of the server. `Client.sweep` returns it."""

    @property
    def model(self) -> ServedModel:
        """The model of the winner.

        Raises
        ------
        ConflictError
            There is none: the sweep has not succeeded, or was started with ``final=False``.
        """
        return ServedModel(self._client, self._model_id())


class AsyncSweep(_SweepState["AsyncClient"], _AsyncHandle[SweepRecord]):
    """A sweep of the server. See `Sweep`."""

    @property
    def model(self) -> AsyncServedModel:
        """The model of the winner; see `Sweep.model`."""
        return AsyncServedModel(self._client, self._model_id())
