"""The state of this installation: liveness, readiness, workers, queue and versions."""

from importlib.metadata import version
from platform import python_version
from typing import Any

from flask import Response, jsonify
from flask_openapi3 import APIBlueprint, Tag
from pydantic import BaseModel, Field
from redis.exceptions import RedisError

from service.backend import backend
from service.errors import problem, problems
from stepbox import __version__
from stepbox.data.builtin import DATASETS
from stepbox.errors import DatasetError

blueprint = APIBlueprint(
    "system",
    __name__,
    abp_tags=[
        Tag(name="operations", description="Liveness, readiness and the state of the installation.")
    ],
)


class Check(BaseModel):
    """The readiness of one component."""

    name: str
    ready: bool
    detail: str = Field(description="Its state, or why it is not ready.")


class Alive(BaseModel):
    """The response of a live process."""

    status: str


class Ready(BaseModel):
    """The response when everything is ready."""

    status: str
    checks: list[Check]


class Device(BaseModel):
    """The device on which a worker trains."""

    name: str
    detail: str = Field(description="Why this device is used, or why a GPU is not.")


class Worker(BaseModel):
    """A worker that sent a heartbeat in the last 5 seconds."""

    name: str
    device: Device
    versions: dict[str, str | None]
    stalled: str | None = Field(None, description="Why it has stalled. Null if it takes jobs.")
    memory: int | None = Field(
        None,
        description="Memory in bytes that it may use. Null if it is not known, and for workers of "
        "version 0.2.0.",
    )
    schema_version: int = Field(
        1, alias="schema", description="The newest version of job records that it understands."
    )
    too_old: str | None = Field(
        None,
        description="Which queued jobs it leaves alone because a later version submitted them. "
        "Null if there are none.",
    )
    classes: list[str] = Field(
        ["v1"], description="The classes of jobs that it takes, by what they require."
    )
    owner_running: int = Field(
        0, description="Most running jobs of one owner for which it starts a further one; 0: any."
    )


# What the descriptions of workers of version 0.2.0 lack.
NEWER_FIELDS = {
    field.alias or name: field.default
    for name, field in Worker.model_fields.items()
    if not field.is_required()
}


class Queue(BaseModel):
    """The queue of jobs."""

    reachable: bool
    length: int | None = Field(description="Number of queued jobs. Null if not reachable.")
    limit: int = Field(description="Maximum number of queued jobs.")


class DatasetState(BaseModel):
    """The state of a data set's test files in this process."""

    name: str
    ready: bool
    detail: str
    checksums: dict[str, str] = Field(description="File → md5, as published.")


class Storage(BaseModel):
    """The disk space of the uploaded data sets."""

    datasets: int = Field(description="Number of uploaded data sets.")
    used_bytes: int = Field(description="Size of all uploaded data sets and waiting uploads.")
    allowed_bytes: int = Field(description="Their quota. An upload over it is rejected with 507.")


class System(BaseModel):
    """The components of this installation."""

    workers: list[Worker]
    queue: Queue
    datasets: list[DatasetState] = Field(description="The built-in data sets.")
    storage: Storage
    models: int = Field(description="Number of models in the store.")
    versions: dict[str, str]


@blueprint.get("/livez", responses={200: Alive})
def livez() -> Response:
    """Confirm that the process answers. This does not check its dependencies."""
    return jsonify(status="alive")


@blueprint.get("/readyz", responses={200: Ready, **problems(503)})
def readyz() -> Response:
    """List the components that are ready and those that are not, with reasons."""
    queue, workers = _queue_and_workers()
    checks = [
        {
            "name": "queue",
            "ready": queue["reachable"],
            "detail": "reachable" if queue["reachable"] else "Redis cannot be reached",
        },
        _workers_check(workers),
        *(
            {"name": f"data set {state['name']}", **{k: state[k] for k in ("ready", "detail")}}
            for state in _datasets()
        ),
    ]
    missing = [check["name"] for check in checks if not check["ready"]]
    if missing:
        return problem(503, f"Not ready: {', '.join(missing)}.", checks=checks)
    return jsonify(status="ready", checks=checks)


@blueprint.get("/system", responses={200: System})
def system() -> Response:
    """List the workers with their devices, the queue, the data sets, disk space and versions."""
    queue, workers = _queue_and_workers()
    return jsonify(
        workers=workers,
        queue=queue,
        datasets=_datasets(),
        storage=_storage(),
        models=len(backend().models.ids()),
        versions={
            "stepbox": __version__,
            "python": python_version(),
            **{name: version(name) for name in ("numpy", "flask", "celery", "redis")},
        },
    )


def _queue_and_workers() -> tuple[dict[str, Any], list[dict[str, Any]]]:
    limit = backend().settings.queue_limit
    try:
        jobs = backend().jobs
        workers = [NEWER_FIELDS | about for about in jobs.workers()]
        return {"reachable": True, "length": jobs.queue_length(), "limit": limit}, workers
    except RedisError:
        return {"reachable": False, "length": None, "limit": limit}, []


def _workers_check(workers: list[dict[str, Any]]) -> dict[str, Any]:
    stalled = [f"{one['name']}: {one['stalled']}" for one in workers if one.get("stalled")]
    taking = len(workers) - len(stalled)
    found = f"{len(workers)} alive" if workers else "no worker is alive; jobs wait"
    return {"name": "worker", "ready": taking > 0, "detail": "; ".join([found, *stalled])}


def _storage() -> dict[str, int]:
    quota = backend().quota
    uploaded = sum(not spec.checksums for spec in backend().datasets.specs())
    return {"datasets": uploaded, "used_bytes": quota.used(), "allowed_bytes": quota.allowed}


def _datasets() -> list[dict[str, Any]]:
    states = []
    for name, spec in DATASETS.items():
        try:
            found = backend().dataset(name)
            ready, detail = True, f"{len(found.samples):,} test images, checksums match"
        except DatasetError as error:
            ready, detail = False, str(error)
        states.append({"name": name, "ready": ready, "detail": detail, "checksums": spec.checksums})
    return states
