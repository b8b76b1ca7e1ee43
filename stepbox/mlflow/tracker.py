"""Write runs to an MLflow tracking server.

A run is found again by its tag `stepbox.job`, and its status becomes final when everything else has
been written. A run that is not final is written again, over what it has, so nothing is doubled.
"""

from __future__ import annotations

import logging
import os
import re
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote

import httpx

from stepbox.client.addresses import shown_url
from stepbox.client.errors import ProblemError, UnreachableError, kind_of
from stepbox.errors import InvalidInputError, StepboxError
from stepbox.mlflow.content import MOST_TEXT, Content, Point
from stepbox.mlflow.onnx_model import save_onnx

T = TypeVar("T")

JOB, PARENT = "stepbox.job", "mlflow.parentRunId"
MODEL = "model"  # name of the model of a run
FINAL = ("FINISHED", "FAILED", "KILLED")
MOST_AT_ONCE = 100  # parameters or tags in one request, by the limits of MLflow
MOST_METRICS = 500
PAGE = 1000  # runs
FAILED_REQUEST = re.compile(r"API request to \S+ failed with (timeout )?exception ")
# Of MLflow, unless the environment has others. It sends no usage data, and prints nothing among the
# results. Its own retries would take minutes.
SETTINGS = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
    "MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR": "1",
    "GIT_PYTHON_REFRESH": "quiet",
}


class Tracker:
    """Writes runs to an experiment of a tracking server.

    Parameters
    ----------
    uri
        Address of the tracking server.
    experiment
        Name of the experiment, which is made if it does not exist.

    Raises
    ------
    StepboxError
        MLflow is not installed.
    InvalidInputError
        The address is none that MLflow knows (``/tracking-uri``).
    """

    def __init__(self, uri: str, experiment: str) -> None:
        for name, value in SETTINGS.items():
            os.environ.setdefault(name, value)
        try:
            import mlflow.onnx
            import onnx  # noqa: F401
        except ImportError as error:
            raise StepboxError(
                f"{error.name} is not installed: pip install 'stepbox[mlflow]'"
            ) from error
        logging.getLogger("mlflow").setLevel(logging.ERROR)  # not how environments are resolved
        self._name = experiment
        self._url = _shown(uri)
        with self._errors():
            self._client = mlflow.MlflowClient(uri)

    def address(self, run: str) -> str:
        """Return the address of the page of a run."""
        return f"{self._url}/#/experiments/{self._experiment}/runs/{quote(run)}"

    def logged(self) -> set[str]:
        """Return the jobs whose runs are complete, or were deleted by somebody."""
        from mlflow.entities import ViewType

        with self._errors():
            active = self._search(f"tags.`{JOB}` LIKE '%'")
            deleted = self._search(f"tags.`{JOB}` LIKE '%'", ViewType.DELETED_ONLY)
        runs: dict[str, list[Any]] = {}
        for run in active:
            runs.setdefault(run.data.tags[JOB], []).append(run)
        complete = {job for job, (run, *more) in runs.items() if not more and _is_final(run)}
        return complete | ({run.data.tags[JOB] for run in deleted} - runs.keys())

    def run_of(self, job: str, name: str, start: int) -> str:
        """Return the id of a job's run, which is made if there is none.

        Two processes may make one at the same time. Both then keep the same one.

        Parameters
        ----------
        job
            Id of the job.
        name
            Name of a new run.
        start
            When the job started, in milliseconds since 1970.
        """
        query = f"tags.`{JOB}` = '{job}'"
        with self._errors():
            found = self._search(query)
            if not found:
                tags = {JOB: job}
                self._client.create_run(self._experiment, start, tags, run_name=name)
                found = self._search(query)
            first, *others = sorted(run.info.run_id for run in found)
            for other in others:
                self._client.delete_run(other)
        return str(first)

    def log(self, content: Content, onnx: bytes | None = None, parent: str | None = None) -> str:
        """Write the run of a job, and return its id.

        Parameters
        ----------
        content
            What is logged.
        onnx
            The model, if there is one.
        parent
            The run of the sweep, if the job is one of its trials.
        """
        run = self.run_of(content.job, content.name, content.start)
        tags = content.tags | ({PARENT: parent} if parent else {})
        with self._errors():
            self._write(run, params=content.params, points=content.history, tags=tags)
            for name, document in content.documents.items():
                self._client.log_dict(run, document, name)
            model = self._write_model(run, content, onnx) if onnx is not None else None
            self._write(run, points=content.figures, model=model)
            self._client.update_run(run, name=content.name)
            self._client.set_terminated(run, content.status, content.end)
        return run

    @cached_property
    def _experiment(self) -> str:
        """Id of the experiment."""
        from mlflow.exceptions import MlflowException

        found = self._client.get_experiment_by_name(self._name)
        if found is None:
            try:
                return str(self._client.create_experiment(self._name))
            except MlflowException as error:
                if error.error_code != "RESOURCE_ALREADY_EXISTS":
                    raise
            found = self._client.get_experiment_by_name(self._name)  # another process made it
        if found.lifecycle_stage != "active":
            detail = f"the experiment {self._name} was deleted: restore it, or name another one"
            raise InvalidInputError.at("/experiment", detail)
        return str(found.experiment_id)

    def _search(self, query: str, view: int | None = None) -> list[Any]:
        options = {} if view is None else {"run_view_type": view}
        runs, token = [], None
        while True:
            page = self._client.search_runs(
                [self._experiment], query, max_results=PAGE, page_token=token, **options
            )
            runs += page
            token = page.token
            if not token:
                return runs

    def _write(
        self,
        run: str,
        *,
        params: dict[str, str] | None = None,
        points: Sequence[Point] = (),
        tags: dict[str, str] | None = None,
        model: str | None = None,
    ) -> None:
        from mlflow.entities import Metric, Param, RunTag

        for some in _parts(list((params or {}).items()), MOST_AT_ONCE):
            self._client.log_batch(run, params=[Param(*one) for one in some])
        for some in _parts(list((tags or {}).items()), MOST_AT_ONCE):
            self._client.log_batch(run, tags=[RunTag(*one) for one in some])
        metrics = [
            Metric(one.key, one.value, one.time, one.step, model_id=model, run_id=run)
            for one in points
        ]
        for part in _parts(metrics, MOST_METRICS):
            self._client.log_batch(run, metrics=part)

    def _write_model(self, run: str, content: Content, onnx: bytes) -> str:
        """Write the model of a run, and return the id that MLflow gives it."""
        from mlflow.entities import LoggedModelOutput, LoggedModelStatus
        from mlflow.models import Model

        query = f"source_run_id = '{run}'"
        found = self._client.search_logged_models([self._experiment], query)
        tags = {name: content.tags[name] for name in ("stepbox.model", "stepbox.url")}
        model = (
            found[0]
            if found
            else self._client.create_logged_model(
                self._experiment, MODEL, run, tags, content.params
            )
        )
        if model.status != LoggedModelStatus.READY:
            described = Model(
                artifact_path=model.artifact_location,
                run_id=run,
                model_uuid=model.model_id,
                model_id=model.model_id,
            )
            with tempfile.TemporaryDirectory() as temporary:
                folder = Path(temporary) / MODEL
                save_onnx(onnx, folder, described)
                self._client.log_model_artifacts(model.model_id, str(folder))
            self._client.finalize_logged_model(model.model_id, LoggedModelStatus.READY)
        outputs = self._client.get_run(run).outputs
        if model.model_id not in [one.model_id for one in outputs.model_outputs]:
            last = max((one.step for one in content.figures), default=0)
            self._client.log_outputs(run, [LoggedModelOutput(model.model_id, last)])
        return str(model.model_id)

    @contextmanager
    def _errors(self) -> Iterator[None]:
        """Raise the errors of the client for those of MLflow, which do not tell them apart."""
        from mlflow.exceptions import MlflowException, RestException
        from requests import HTTPError, RequestException

        try:
            yield
        except HTTPError as error:  # of an artifact
            raise _refusal(error.response.status_code, str(error)) from error
        except RequestException as error:
            raise UnreachableError(f"{self._url}: {error}") from error
        except RestException as error:
            raise _refusal(error.get_http_status_code(), error.message) from error
        except MlflowException as error:
            failed = FAILED_REQUEST.match(error.message)
            if failed:
                raise UnreachableError(f"{self._url}: {error.message[failed.end() :]}") from error
            raise StepboxError(f"MLflow: {error.message}") from error


def _is_final(run: Any) -> bool:
    return run.info.status in FINAL


def _parts(values: Sequence[T], most: int) -> Iterator[Sequence[T]]:
    for start in range(0, len(values), most):
        yield values[start : start + most]


def _refusal(status: int, detail: str) -> ProblemError:
    problem = {"title": "The tracking server refused the request", "detail": detail[:MOST_TEXT]}
    return kind_of(status)(status, problem)


def _shown(uri: str) -> str:
    """Return the address of a tracking server for people."""
    try:
        url = httpx.URL(uri)
    except httpx.InvalidURL:
        url = httpx.URL("")
    if url.scheme not in ("http", "https") or not url.host:
        detail = "must be the address of a tracking server, such as http://127.0.0.1:5000"
        raise InvalidInputError.at("/tracking-uri", detail)
    return shown_url(url)
