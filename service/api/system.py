"""The state of this installation: liveness, readiness, workers, queue and versions."""

from contextlib import suppress
from importlib.metadata import version
from platform import python_version
from typing import Any, Literal

from flask import Response, jsonify
from flask_openapi3 import APIBlueprint, Tag
from pydantic import BaseModel, Field
from redis.exceptions import RedisError

from service.api.parameters import Parameters
from service.api.workers import NEWER_FIELDS, Worker
from service.backend import backend
from service.errors import problem, problems
from stepbox import __version__
from stepbox.data.builtin import DATASETS
from stepbox.errors import DatasetError, UnavailableError

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


class ReadyQuery(Parameters):
    """The parameters of GET /readyz."""

    exclude: list[Literal["queue", "worker"]] = Field(
        [],
        description="Checks to leave out, once each. Redis and the workers are shared: a load "
        "balancer that asks for them takes all processes of the API out of service at once.",
    )


class Ready(BaseModel):
    """The response when everything is ready."""

    status: str
    checks: list[Check]


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

    datasets: int | None = Field(
        description="Number of uploaded data sets. Null while the store does not answer."
    )
    used_bytes: int | None = Field(
        description="Size of all uploaded data sets and waiting uploads. Null while the store does "
        "not answer."
    )
    allowed_bytes: int = Field(description="Their quota. An upload over it is rejected with 507.")


class System(BaseModel):
    """The components of this installation."""

    workers: list[Worker]
    queue: Queue
    datasets: list[DatasetState] = Field(description="The built-in data sets.")
    storage: Storage
    models: int | None = Field(
        description="Number of models in the store. Null while it does not answer."
    )
    versions: dict[str, str]


@blueprint.get("/livez", responses={200: Alive})
def livez() -> Response:
    """Confirm that the process answers. This does not check its dependencies."""
    return jsonify(status="alive")


@blueprint.get("/readyz", responses={200: Ready, **problems(422, 503)})
def readyz(query: ReadyQuery) -> Response:
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
    checks = [check for check in checks if check["name"] not in query.exclude]
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
        models=_number_of_models(),
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
    faults = [f"{one['name']}: {fault}" for one in workers if (fault := _fault(one))]
    taking = len(workers) - len(faults)
    found = f"{len(workers)} alive" if workers else "no worker is alive; jobs wait"
    return {"name": "worker", "ready": taking > 0, "detail": "; ".join([found, *faults])}


def _fault(worker: dict[str, Any]) -> str | None:
    """Say why a worker takes no jobs; None if it takes them."""
    return "is draining" if worker["draining"] else worker.get("stalled")


def _storage() -> dict[str, int | None]:
    quota = backend().quota
    found: dict[str, int | None] = {"datasets": None, "used_bytes": None}
    with suppress(UnavailableError):
        uploaded = sum(not spec.checksums for spec in backend().datasets.specs())
        found = {"datasets": uploaded, "used_bytes": quota.used()}
    return {**found, "allowed_bytes": quota.allowed}


def _number_of_models() -> int | None:
    with suppress(UnavailableError):
        return len(backend().models.ids())
    return None


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
