"""Training jobs: start, list, follow, cancel and delete them."""

from flask import Response, jsonify
from flask_openapi3 import APIBlueprint, Tag
from pydantic import BaseModel, Field

from jobs.record import FINAL, Job, Status
from service.api.event_streams import EventHeaders, event_stream
from service.api.labels import label_job
from service.api.parameters import Parameters
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
from stepbox.store.quota import saying_why
from stepbox.training.descriptions import DESCRIPTIONS
from stepbox.training.labels import LabelChanges
from stepbox.training.presets import RECIPES
from stepbox.training.recipe import Recipe
from stepbox.training.request import TrainRequest

TAG = Tag(name="training", description="Trainings, as batch jobs.")

blueprint = APIBlueprint("jobs", __name__, abp_tags=[TAG])


class RecipeEntry(Recipe, title="RecipeEntry"):
    """A named recipe."""

    description: str


class RecipeList(BaseModel):
    """The named recipes."""

    recipes: list[RecipeEntry]


class JobPath(BaseModel):
    """Path parameters: a job."""

    id: str = Field(description="Id of the job.")


class JobQuery(Parameters):
    """Query parameters: which jobs to list."""

    status: Status | None = Field(None, description="List only jobs with this status.")
    limit: int = Field(20, ge=1, le=100, description="Maximum number of jobs to list.")
    after: str | None = Field(
        None,
        description="The cursor `next` of the previous page, which stays valid if jobs are "
        "deleted. Or the id of a job with any status, to list the jobs created before it.",
    )


class JobList(BaseModel):
    """A page of jobs, newest first."""

    jobs: list[Job]
    next: str | None = Field(description="Pass it as `after` for the next page. Null at the end.")


@blueprint.get("/recipes", responses={200: RecipeList})
def recipes() -> Response:
    """List the named recipes with all their fields."""
    return jsonify(
        recipes=[
            {"name": name, "description": DESCRIPTIONS[name], **recipe.model_dump(mode="json")}
            for name, recipe in RECIPES.items()
        ]
    )


@blueprint.post("/train", responses={202: Job, **problems(400, 413, 415, 422, 429, 503, 507)})
@Bound(body_bytes=TRAIN_BYTES)
def train(header: SubmitHeaders, body: TrainRequest) -> Response:
    """Start a training, which a worker runs. Omitted fields have the values of the recipe."""
    recipe, spec = resolved(body)
    job = backend().jobs.submit(
        recipe,
        samples=recipe.trained_samples(spec),
        requires=body.requires,
        labels=body.labels,
        **submission(header, body.priority, body.webhook),
    )
    announce(job)
    return accepted(job)


@blueprint.get("/jobs", responses={200: JobList, **problems(404, 422, 503)})
def list_jobs(query: JobQuery) -> Response:
    """List jobs, newest first."""
    found, cursor = backend().jobs.page(status=query.status, limit=query.limit, after=query.after)
    return jsonify(jobs=[job.to_json() for job in found], next=cursor)


@blueprint.get("/jobs/<id>", responses={200: Job, **problems(404, 503)})
def get_job(path: JobPath) -> Response:
    """Return the current state of a job, with its losses within the epochs."""
    return jsonify(backend().jobs.get(path.id).to_json())


@blueprint.patch("/jobs/<id>", responses={200: Job, **problems(400, 404, 409, 413, 415, 422, 503)})
def patch_job(path: JobPath, body: LabelChanges) -> Response:
    """Change the title, notes or tags of a job, and of its model if it has one."""
    return jsonify(label_job(path.id, body.given()).to_json())


@blueprint.delete(
    "/jobs/<id>", responses={204: {"description": "Done."}, **problems(404, 409, 503)}
)
def delete_job(path: JobPath) -> tuple[str, int]:
    """Delete a finished job with its history and events, and what a prediction has found.

    The model or the data set that it has made is not deleted.
    """
    job = backend().jobs.get(path.id)
    if job.prediction is not None and job.status in FINAL:
        with saying_why("delete the prediction"):
            backend().predictions.delete(path.id)
    backend().jobs.delete(path.id)
    return "", 204


@blueprint.post("/jobs/<id>/cancel", responses={202: Job, **problems(404, 409, 503)})
def cancel_job(path: JobPath) -> Response:
    """Cancel a job: a queued job at once, a running job within 2 seconds.

    A job that is already publishing its model succeeds.
    """
    return accepted(backend().jobs.cancel(path.id))


@blueprint.get(
    "/jobs/<id>/events",
    responses={
        200: {
            "description": "`progress`, `loss`, `frame`, `epoch` and `status` events with ids, and "
            "`trial` and `value` events of a sweep. The last one is the final `status`.",
            "content": {"text/event-stream": {}},
        },
        **problems(404, 422, 503),
    },
)
def job_events(path: JobPath, header: EventHeaders) -> Response:
    """Stream the events of a job since its creation (server-sent events)."""
    return event_stream(path.id, header)
