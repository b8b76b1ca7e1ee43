"""Sweeps: start, list, follow and cancel them, and train their winners."""

from flask import Response, jsonify
from flask_openapi3 import APIBlueprint, Tag
from pydantic import BaseModel, Field

from jobs.record import Job
from jobs.routing import NEW_KINDS
from jobs.sweep import Sweep
from jobs.sweeps import Sweeps
from service.api.event_streams import EventHeaders, event_stream
from service.api.parameters import CURSOR_FORMAT, Parameters
from service.api.submitting import (
    TRAIN_BYTES,
    SubmitHeaders,
    accepted,
    announce,
    resolved,
    submission,
)
from service.backend import backend
from service.bodies.bounds import Bound
from service.errors import problems
from stepbox.errors import ConflictError, NotFoundError
from stepbox.training.sweep import SweepRequest

TAG = Tag(name="sweeps", description="Searches for the best values of a recipe's fields.")
blueprint = APIBlueprint("sweeps", __name__, url_prefix="/sweeps", abp_tags=[TAG])


class SweepPath(BaseModel):
    """Path parameters: a sweep."""

    id: str = Field(description="Id of the sweep.")


class SweepQuery(Parameters):
    """Query parameters: which sweeps to list."""

    limit: int = Field(20, ge=1, le=100, description="Maximum number of sweeps to list.")
    after: str | None = Field(
        None,
        pattern=r"^[0-9]{1,15}$",
        json_schema_extra={"format": CURSOR_FORMAT},
        description="The cursor `next` of the previous page.",
    )


class SweepList(BaseModel):
    """A page of sweeps, newest first."""

    sweeps: list[Sweep]
    next: str | None = Field(description="Pass it as `after` for the next page. Null at the end.")


@blueprint.post("", responses={202: Sweep, **problems(400, 413, 415, 422, 429, 503, 507)})
@Bound(body_bytes=TRAIN_BYTES)
def submit(header: SubmitHeaders, body: SweepRequest) -> Response:
    """Start a sweep, whose trials workers run. Omitted fields have the values of the recipe."""
    search = body.search
    recipe, _ = resolved(body, search.check)
    job = _sweeps().submit(
        recipe,
        search,
        requires=body.requires,
        labels=body.labels,
        **submission(header, body.priority, body.webhook),
    )
    sweep = _sweep(job.id)
    announce(job, NEW_KINDS)
    return accepted(sweep)


@blueprint.get("", responses={200: SweepList, **problems(422, 503)})
def list_sweeps(query: SweepQuery) -> Response:
    """List sweeps without their trials, newest first."""
    found, cursor = _sweeps().page(limit=query.limit, after=query.after)
    return jsonify(sweeps=[sweep.model_dump(mode="json") for sweep in found], next=cursor)


@blueprint.get("/<id>", responses={200: Sweep, **problems(404, 503)})
def get_sweep(path: SweepPath) -> Response:
    """Return the current state of a sweep, with its trials."""
    return jsonify(_sweep(path.id).model_dump(mode="json"))


@blueprint.get(
    "/<id>/events",
    responses={
        200: {
            "description": "A `trial` event when a trial is submitted and when it ends, a `value` "
            "event with the metric after each of its epochs, `progress` events, and `status` "
            "events, which have the sweep as a job, with ids. The last one is the final `status`.",
            "content": {"text/event-stream": {}},
        },
        **problems(404, 422, 503),
    },
)
def sweep_events(path: SweepPath, header: EventHeaders) -> Response:
    """Stream the events of a sweep since its creation (server-sent events)."""
    _sweeps().get(path.id)
    return event_stream(path.id, header)


@blueprint.post("/<id>/cancel", responses={202: Sweep, **problems(404, 409, 503)})
def cancel_sweep(path: SweepPath) -> Response:
    """Cancel a sweep and all its trials: those that run stop within 2 seconds."""
    _sweeps().get(path.id)
    backend().jobs.cancel(path.id)
    return accepted(_sweep(path.id))


@blueprint.post("/<id>/winner", responses={202: Job, **problems(404, 409, 422, 503)})
def train_winner(path: SweepPath) -> Response:
    """Train the winner of a sweep that has ended, on all training samples; it makes a model.

    If it is already trained, or its training waits or runs, this returns the same job. After a
    cancelled sweep, the winner is the best of the trials that were complete.
    """
    recipe = _sweeps().get(path.id).recipe
    try:
        spec = backend().datasets.spec(recipe.dataset)
    except NotFoundError:
        raise ConflictError(
            f"the data set {recipe.dataset} has been deleted, and this needs it"
        ) from None
    job = _sweeps().submit_winner(path.id, spec)
    announce(job, NEW_KINDS)
    return accepted(job)


def _sweeps() -> Sweeps:
    return Sweeps(backend().jobs)


def _sweep(id: str) -> Sweep:
    return Sweep.of(_sweeps().get(id), whole=True)
