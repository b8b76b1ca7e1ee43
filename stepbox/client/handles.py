"""Handles: what programs do with one job or one model of the server."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable, Iterator
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from stepbox.client.answers import Answer, Card, JobRecord, Prediction, Predictions, Status
from stepbox.client.bars import JobBar
from stepbox.client.bodies import File, Samples
from stepbox.client.errors import JobCancelledError, JobFailedError, JobTimeoutError
from stepbox.client.events import Event
from stepbox.errors import ConflictError

if TYPE_CHECKING:
    from stepbox.client.client import AsyncClient, Client

C = TypeVar("C", bound="Client | AsyncClient")


class _JobState(Generic[C]):
    """A job of the server, and the state in which it was last seen.

    Attributes
    ----------
    record
        The job, as the server described it last.
    """

    def __init__(self, client: C, record: JobRecord) -> None:
        self._client = client
        self.record = record

    def __repr__(self) -> str:
        return f"<Job {self.id}: {self.record.kind}, {self.status}>"

    @property
    def id(self) -> str:
        """Its id."""
        return self.record.id

    @property
    def status(self) -> Status:
        """Its status when it was last seen."""
        return self.record.status

    @property
    def dataset(self) -> str | None:
        """Id of the data set that it has made; None if it has made none."""
        return self.record.dataset

    def _saw(self, event: Event) -> None:
        if isinstance(event.data, JobRecord):
            self.record = event.data

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
            raise ConflictError(f"job {self.id} has no model: it is {self.status}")
        return self.record.model


class Job(_JobState["Client"]):
    """A job of the server. `Client.train`, `upload` and `job` return it."""

    def wait(self, *, progress: bool = True, timeout: float | None = None) -> Job:
        """Follow the job until it has succeeded, and return it.

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
            runner, stream = self._client._runner, self._client.jobs.events.request(self.id)
            with JobBar(self.id, progress) as bar:
                for event in runner.follow(stream, check):
                    self._saw(event)
                    bar.show(event)
            self.refresh()  # events lack what only the whole record has
        self._raise_unless_succeeded()
        return self

    def events(self, last_event_id: str | None = None) -> Iterator[Event]:
        """Yield all events since the job was created, or after one, until the job has ended."""
        for event in self._client.jobs.events(self.id, last_event_id=last_event_id):
            self._saw(event)
            yield event

    def refresh(self) -> Job:
        """Read the job again."""
        self.record = self._client.jobs.get(self.id)
        return self

    def cancel(self) -> Job:
        """Cancel the job."""
        self.record = self._client.jobs.cancel(self.id)
        return self

    def delete(self) -> None:
        """Delete the finished job. Its model is not deleted."""
        self._client.jobs.delete(self.id)

    @property
    def model(self) -> ServedModel:
        """The model that it has trained.

        Raises
        ------
        ConflictError
            It has none, because it has not succeeded.
        """
        return ServedModel(self._client, self._model_id())


class AsyncJob(_JobState["AsyncClient"]):
    """A job of the server. See `Job`."""

    async def wait(self, *, progress: bool = True, timeout: float | None = None) -> AsyncJob:
        """Follow the job until it has succeeded, and return it; see `Job.wait`."""
        check = self._timer(timeout)
        if not self.record.ended:
            runner, stream = self._client._runner, self._client.jobs.events.request(self.id)
            with JobBar(self.id, progress) as bar:
                async for event in runner.follow(stream, check):
                    self._saw(event)
                    bar.show(event)
            await self.refresh()
        self._raise_unless_succeeded()
        return self

    async def events(self, last_event_id: str | None = None) -> AsyncIterator[Event]:
        """Yield all events since the job was created, or after one, until the job has ended."""
        async for event in self._client.jobs.events(self.id, last_event_id=last_event_id):
            self._saw(event)
            yield event

    async def refresh(self) -> AsyncJob:
        """Read the job again."""
        self.record = await self._client.jobs.get(self.id)
        return self

    async def cancel(self) -> AsyncJob:
        """Cancel the job."""
        self.record = await self._client.jobs.cancel(self.id)
        return self

    async def delete(self) -> None:
        """Delete the finished job. Its model is not deleted."""
        await self._client.jobs.delete(self.id)

    @property
    def model(self) -> AsyncServedModel:
        """The model that it has trained; see `Job.model`."""
        return AsyncServedModel(self._client, self._model_id())


class _ModelState(Generic[C]):
    """A model of the server.

    Attributes
    ----------
    ref
        Its id or an alias.
    """

    def __init__(self, client: C, ref: str) -> None:
        self._client = client
        self.ref = ref

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.ref}>"


def _single(answer: Predictions) -> Prediction:
    predictions = answer.predictions
    if len(predictions) != 1:
        raise ValueError(f"there are {len(predictions)} samples: use predict_all")
    return predictions[0]


class ServedModel(_ModelState["Client"]):
    """A model of the server. `Client.model` and `Job.model` return it."""

    def card(self) -> Card:
        """Read the card."""
        return self._client.models.get(self.ref)

    def predict(self, sample: File | Samples, **options: Any) -> Prediction:
        """Classify one sample, for example ``predict("seven.png").label``."""
        return _single(self.predict_all(sample, **options))

    def predict_all(self, samples: Samples, **options: Any) -> Predictions:
        """Classify samples; the options are those of `Predicting.predict`."""
        return self._client.predicting.predict(samples, model=self.ref, **options)

    def taught(self, sample: Samples, **options: Any) -> Answer:
        """Find the steps of the training that changed the loss of a sample most."""
        return self._client.predicting.taught(sample, model=self.ref, **options)


class AsyncServedModel(_ModelState["AsyncClient"]):
    """A model of the server. See `ServedModel`."""

    async def card(self) -> Card:
        """Read the card."""
        return await self._client.models.get(self.ref)

    async def predict(self, sample: File | Samples, **options: Any) -> Prediction:
        """Classify one sample."""
        return _single(await self.predict_all(sample, **options))

    async def predict_all(self, samples: Samples, **options: Any) -> Predictions:
        """Classify samples."""
        return await self._client.predicting.predict(samples, model=self.ref, **options)

    async def taught(self, sample: Samples, **options: Any) -> Answer:
        """Find the steps of the training that changed the loss of a sample most."""
        return await self._client.predicting.taught(sample, model=self.ref, **options)
