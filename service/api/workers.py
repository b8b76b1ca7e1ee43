"""Workers: stop one of them from taking jobs, for example before its machine is switched off."""

from typing import Any

from flask import Response, jsonify
from flask_openapi3 import APIBlueprint, Tag
from pydantic import BaseModel, Field

from service.backend import backend
from service.errors import problems

blueprint = APIBlueprint(
    "workers",
    __name__,
    abp_tags=[Tag(name="operations", description="State of the installation.")],
)


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
    draining: bool = Field(
        False, description="Whether it takes no jobs, because of a request to drain."
    )
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


class WorkerPath(BaseModel):
    """Path parameters: a worker."""

    name: str = Field(description="Name of a worker, as in `GET /system`.")


@blueprint.post("/workers/<name>/drain", responses={202: Worker, **problems(404, 409, 503)})
def drain(path: WorkerPath) -> tuple[Response, int]:
    """Let a worker take no more jobs. The job that it runs goes back to the queue at once.

    Another worker continues this job from its last checkpoint. The worker stays alive, and drains
    until it is resumed or started again. A worker of version 0.2.0 cannot drain: 409.
    """
    return _accepted(backend().jobs.drain(path.name))


@blueprint.post("/workers/<name>/resume", responses={202: Worker, **problems(404, 503)})
def resume(path: WorkerPath) -> tuple[Response, int]:
    """Let a worker that was draining take jobs again, within about a second."""
    return _accepted(backend().jobs.drain(path.name, draining=False))


def _accepted(worker: dict[str, Any]) -> tuple[Response, int]:
    return jsonify(NEWER_FIELDS | worker), 202
