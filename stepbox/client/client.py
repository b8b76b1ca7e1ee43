"""The two clients."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Generic, ParamSpec, Self

import httpx

from stepbox import __version__
from stepbox.client.addresses import DEFAULT_URL, base_url, shown_url
from stepbox.client.answers import JobRecord
from stepbox.client.bodies import File, PathName
from stepbox.client.handles import AsyncJob, AsyncSweep, Job, Sweep
from stepbox.client.operations.analysis import Analysis
from stepbox.client.operations.datasets import Datasets
from stepbox.client.operations.jobs import Jobs
from stepbox.client.operations.models import AliasesOfModels, Models
from stepbox.client.operations.predicting import InferenceV1, InferenceV2, Predicting
from stepbox.client.operations.predictions import DatasetPredictions
from stepbox.client.operations.sweeps import Sweeps
from stepbox.client.operations.system import System
from stepbox.client.operations.webhooks import Webhooks
from stepbox.client.requests import AsyncCall, R, SyncCall
from stepbox.client.runners import AsyncRunner, SyncRunner
from stepbox.client.served_models import AsyncServedModel, ServedModel
from stepbox.errors import InvalidInputError

P = ParamSpec("P")

TIMEOUT_S = 120.0  # of an answer; large bodies of predictions wait for memory
RETRIES = 4


class _Operations(Generic[R]):
    """All operations of the API, in groups."""

    def __init__(self, runner: R) -> None:
        self._runner = runner
        self.jobs = Jobs(runner)
        self.models = Models(runner)
        self.aliases = AliasesOfModels(runner)
        self.predicting = Predicting(runner)
        self.predictions = DatasetPredictions(runner)
        self.datasets = Datasets(runner)
        self.sweeps = Sweeps(runner)
        self.webhooks = Webhooks(runner)
        self.analysis = Analysis(runner)
        self.system = System(runner)
        self.v1 = InferenceV1(runner)
        self.v2 = InferenceV2(runner)


def _options(url: str | None, token: str | None, timeout: float, retries: int) -> dict[str, Any]:
    """Check the arguments of a client, and return those of httpx's clients."""
    if not isinstance(retries, int) or retries < 0:
        raise InvalidInputError.at("/retries", "must be 0 or more, and a whole number")
    base = base_url(url or os.environ.get("STEPBOX_URL") or DEFAULT_URL)
    token = token or os.environ.get("STEPBOX_TOKEN")
    headers = {"User-Agent": f"stepbox/{__version__}"}
    if token:
        if not (isinstance(token, str) and token.isascii() and token.isprintable()):
            raise InvalidInputError.at("/token", "must have printable ASCII characters only")
        headers["Authorization"] = f"Bearer {token}"
    return {"base_url": base, "headers": headers, "timeout": httpx.Timeout(timeout, connect=10)}


class Client(_Operations[SyncRunner]):
    """A client whose methods wait for the answers.

    Parameters
    ----------
    url
        Address of the server; by default ``$STEPBOX_URL``, else ``http://127.0.0.1:8000``.
    token
        Access token; by default ``$STEPBOX_TOKEN``, else none.
    timeout
        Longest silence of the server, in seconds.
    retries
        How often a request is repeated at most after an error of the connection, a 429, a
        502, a 503 or a 504.

    Raises
    ------
    InvalidInputError
        The address or the token is malformed, or `retries` is no whole number from 0.
    """

    def __init__(
        self,
        url: str | None = None,
        token: str | None = None,
        *,
        timeout: float = TIMEOUT_S,
        retries: int = RETRIES,
    ) -> None:
        http = httpx.Client(**_options(url, token, timeout, retries))
        super().__init__(SyncRunner(http, retries))
        self.url = shown_url(http.base_url)

    def close(self) -> None:
        """Close the connections."""
        self._runner.http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *reason: object) -> None:
        self.close()

    def train(self, recipe: str | None = None, **fields: Any) -> Job:
        """Start a training, for example ``train("mnist-numpy", epochs=3)``."""
        return Job(self, self.jobs.train(recipe, **fields))

    def upload(self, file: File | Mapping[str, File], *, name: str, **options: Any) -> Job:
        """Upload a data set, for example ``upload("digits.zip", name="digits").wait()``."""
        return Job(self, self.datasets.upload(file, name=name, **options))

    def sweep(self, space: Mapping[str, Any], *, recipe: str | None = None, **fields: Any) -> Sweep:
        """Start a sweep, for example ``sweep({"hidden_sizes": {"choices": [[16], [32]]}})``."""
        return Sweep(self, self.sweeps.start(space, recipe=recipe, **fields))

    def job(self, job: str | JobRecord) -> Job:
        """Return a job that exists, by its id, or as another operation has returned it.

        For example ``job(client.predictions.start("latest", "mnist")).wait()``.
        """
        return Job(self, self.jobs.get(job) if isinstance(job, str) else job)

    def model(self, ref: str = "latest") -> ServedModel:
        """Return a model by its id or an alias. Sends no request."""
        return ServedModel(self, ref)

    def download(
        self, path: PathName, operation: SyncCall[P, bytes], *args: P.args, **options: P.kwargs
    ) -> Path:
        """Write what an operation returns to a file, without holding it in memory.

        For example ``download("weights.safetensors", client.models.weights, "latest")``. The file
        is complete or absent.

        Raises
        ------
        InvalidInputError
            The operation returns no file, or one of another format than the suffix of the path
            names, for example ``.onnx`` instead of ``.npz``.
        OSError
            The file cannot be written, for example because its folder does not exist.
        """
        self._runner.download(operation.request(*args, **options), Path(path))
        return Path(path)


class AsyncClient(_Operations[AsyncRunner]):
    """A client whose methods are awaited. See `Client`."""

    def __init__(
        self,
        url: str | None = None,
        token: str | None = None,
        *,
        timeout: float = TIMEOUT_S,
        retries: int = RETRIES,
    ) -> None:
        http = httpx.AsyncClient(**_options(url, token, timeout, retries))
        super().__init__(AsyncRunner(http, retries))
        self.url = shown_url(http.base_url)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._runner.http.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *reason: object) -> None:
        await self.aclose()

    async def train(self, recipe: str | None = None, **fields: Any) -> AsyncJob:
        """Start a training."""
        return AsyncJob(self, await self.jobs.train(recipe, **fields))

    async def upload(
        self, file: File | Mapping[str, File], *, name: str, **options: Any
    ) -> AsyncJob:
        """Upload a data set."""
        return AsyncJob(self, await self.datasets.upload(file, name=name, **options))

    async def sweep(
        self, /, space: Mapping[str, Any], *, recipe: str | None = None, **fields: Any
    ) -> AsyncSweep:
        """Start a sweep."""
        return AsyncSweep(self, await self.sweeps.start(space, recipe=recipe, **fields))

    async def job(self, job: str | JobRecord) -> AsyncJob:
        """Return a job that exists, by its id, or as another operation has returned it."""
        return AsyncJob(self, await self.jobs.get(job) if isinstance(job, str) else job)

    def model(self, ref: str = "latest") -> AsyncServedModel:
        """Return a model by its id or an alias. Sends no request."""
        return AsyncServedModel(self, ref)

    async def download(
        self, path: PathName, operation: AsyncCall[P, bytes], *args: P.args, **options: P.kwargs
    ) -> Path:
        """Write what an operation returns to a file; see `Client.download`."""
        await self._runner.download(operation.request(*args, **options), Path(path))
        return Path(path)
