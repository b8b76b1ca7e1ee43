"""The data sets: list, describe and delete them."""

from collections.abc import Iterator
from typing import Any

import orjson
from flask import Response
from flask_openapi3 import APIBlueprint, Tag
from pydantic import BaseModel, Field

from jobs.record import Status
from service.api.parameters import Parameters
from service.api.readers.by_type import JSON
from service.backend import backend
from service.errors import problem, problems
from stepbox.data.dataset import DatasetSpec
from stepbox.errors import ConflictError

MOST_REFERENCES = 20  # jobs, models, and aliases that a problem lists

TAG = Tag(name="data sets", description="The built-in data sets, and those that people uploaded.")
blueprint = APIBlueprint("datasets", __name__, url_prefix="/datasets", abp_tags=[TAG])


class DatasetLinks(BaseModel):
    """URLs of a data set. They do not change, because its id stays its own."""

    self: str
    summary: str
    train: str = Field(description="The training samples.")
    test: str = Field(description="The test samples.")
    delete: str | None = Field(description="What to DELETE. Null if it is built in.")


class DatasetEntry(DatasetSpec):
    """A data set."""

    links: DatasetLinks


class DatasetList(BaseModel):
    """The data sets: the built-in ones, then the uploaded ones, newest first."""

    datasets: list[DatasetEntry]


class DatasetPath(BaseModel):
    """Path parameters: a data set."""

    ref: str = Field(
        description="Id or name of a data set. A name means the newest data set of this name.",
        json_schema_extra={"example": "mnist"},
    )


class DeleteQuery(Parameters):
    """Query parameters: whether to delete a data set that is still needed."""

    force: bool = Field(
        False,
        description="Delete it even if jobs, models or gates refer to it. Such jobs fail. The "
        "models stay and still predict, but what needs their test samples gets a 409. No model "
        "passes a gate on it.",
    )


@blueprint.get("", responses={200: DatasetList})
def list_datasets() -> Response:
    """List the data sets: the built-in ones, then the uploaded ones, newest first."""
    return _json({"datasets": [_entry(spec) for spec in backend().datasets.specs()]})


@blueprint.get("/<ref>", responses={200: DatasetEntry, **problems(404, 503)})
def get_dataset(path: DatasetPath) -> Response:
    """Describe a data set."""
    return _json(_entry(backend().datasets.spec(path.ref)))


@blueprint.delete(
    "/<ref>", responses={204: {"description": "Done."}, **problems(404, 409, 422, 503)}
)
def delete_dataset(path: DatasetPath, query: DeleteQuery) -> Response:
    """Delete an uploaded data set by its id.

    While queued or running jobs, models, or gates of aliases refer to it, the response is a 409. It
    has the numbers `job_count`, `model_count` and `alias_count`, and lists up to 20 `jobs`,
    `models` and `aliases`.
    """
    spec = backend().datasets.spec(path.ref)
    if spec.checksums:
        raise ConflictError(f"{spec.title} is built in, and cannot be deleted")
    if spec.id != path.ref:
        raise ConflictError(
            f"a data set is deleted by its id; {spec.name} is now the name of {spec.id}"
        )
    if not query.force:
        jobs, models = list(_waiting_jobs(spec.id)), backend().models.trained_on(spec.id)
        aliases = backend().models.gated_on(spec.id)
        if jobs or models or aliases:
            return problem(
                409,
                f"{_count(len(jobs), 'unfinished job')}, {_count(len(models), 'model')} and "
                f"{_count(len(aliases), 'gate')} refer to the data set {spec.name} "
                f"({spec.id}). With force=true, it is deleted anyway.",
                job_count=len(jobs),
                jobs=jobs[:MOST_REFERENCES],
                model_count=len(models),
                models=models[:MOST_REFERENCES],
                alias_count=len(aliases),
                aliases=aliases[:MOST_REFERENCES],
            )
    backend().datasets.delete(spec.id)
    return Response(status=204)


def _waiting_jobs(dataset_id: str) -> Iterator[str]:
    """List the queued and running jobs that train on a data set, or predict it."""
    statuses: tuple[Status, ...] = ("queued", "running")
    for status in statuses:
        after = None
        while True:
            page, after = backend().jobs.page(status=status, limit=100, after=after)
            for job in page:
                task = job.recipe or job.prediction
                if task is not None and task.dataset == dataset_id:
                    yield job.id
            if after is None:
                break


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _entry(spec: DatasetSpec) -> dict[str, Any]:
    """Return the fields of `DatasetEntry`."""
    url = f"/datasets/{spec.id}"
    parts = {name: f"{url}/{name}" for name in ("summary", "train", "test")}
    links = {"self": url, **parts, "delete": None if spec.checksums else url}
    return {**spec.model_dump(mode="json"), "links": links}


def _json(body: Any) -> Response:
    # Python's own JSON writer takes ten times as long for a thousand classes or columns.
    return Response(orjson.dumps(body), content_type=JSON)
