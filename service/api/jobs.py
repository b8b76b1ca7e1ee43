"""Training jobs: start, list, follow, cancel and delete them."""

import logging
from collections.abc import Callable

from flask import Response, jsonify, request
from flask_openapi3 import APIBlueprint, Tag
from pydantic import BaseModel, Field
from werkzeug.exceptions import TooManyRequests

from jobs.events import EVENT_ID, FIRST, read_events
from jobs.logs import request_id
from jobs.queue import send_token
from jobs.record import FINAL, Job, Status
from jobs.routing import class_of
from jobs.submission import Submission
from jobs.sweep import Sweep
from service.access.tokens import own_key, owner
from service.api.labels import label_job
from service.api.parameters import Parameters
from service.backend import backend
from service.bodies.bounds import Bound
from service.errors import problems
from service.server.streams import FOLLOW, to_bytes
from service.webhooks.sending import check_webhook
from stepbox.data.dataset import Dataset, DatasetSpec, Split
from stepbox.errors import DamagedModelError, InvalidInputError, NotFoundError
from stepbox.store.quota import saying_why
from stepbox.training.descriptions import DESCRIPTIONS
from stepbox.training.labels import LabelChanges
from stepbox.training.presets import RECIPES
from stepbox.training.recipe import Recipe
from stepbox.training.request import TrainRequest

log = logging.getLogger(__name__)

TAG = Tag(name="training", description="Trainings, as batch jobs.")

blueprint = APIBlueprint("jobs", __name__, abp_tags=[TAG])


class RecipeEntry(Recipe, title="RecipeEntry"):
    """A named recipe."""

    description: str


class RecipeList(BaseModel):
    """The named recipes."""

    recipes: list[RecipeEntry]


class TrainHeaders(Parameters, extra="ignore"):  # requests also have other headers
    """Headers of POST /train."""

    idempotency_key: str | None = Field(
        None,
        alias="Idempotency-Key",
        min_length=1,
        max_length=200,
        description="A key chosen by the client, kept for a day. A request with the same key and "
        "the same body returns the same job, unless the job has been deleted.",
    )


class EventHeaders(Parameters, extra="ignore"):
    """Headers of a stream of events."""

    last_event_id: str = Field(
        FIRST,
        alias="Last-Event-ID",
        description="Resume after this event, without a gap.",
        json_schema_extra={"pattern": f"^{EVENT_ID.pattern}$"},  # checked with a clearer message
    )


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


# Enough for the largest number of points, however they are written
TRAIN_BYTES = 256 * 2**10


@blueprint.post("/train", responses={202: Job, **problems(400, 413, 415, 422, 429, 503, 507)})
@Bound(body_bytes=TRAIN_BYTES)
def train(header: TrainHeaders, body: TrainRequest) -> Response:
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


def event_stream(id: str, header: EventHeaders) -> Response:
    """Make the response that streams the events of a job."""
    after = header.last_event_id
    if not EVENT_ID.fullmatch(after):
        raise InvalidInputError.at(
            "/Last-Event-ID", "must be the id of an event, like 1700000000000-0"
        )
    store, streams = backend().jobs, backend().streams
    response = Response(content_type="text/event-stream", headers={"Cache-Control": "no-store"})
    if store.get(id).status in FINAL:
        events = read_events(store, id, after)
        response.set_data(b"".join(to_bytes(event) for event in events if event.data))
    elif streams.open >= streams.limit:
        raise TooManyRequests("This process has reached its limit of event streams.")
    elif request.method == "GET":
        response.headers[FOLLOW] = f"{id} {after}"  # the event loop sends the body
    return response


def resolved(
    body: TrainRequest, check: Callable[[Recipe, DatasetSpec], None] = lambda *_: None
) -> tuple[Recipe, DatasetSpec]:
    """Return the whole recipe of a request, and its data set.

    A data set that the request describes is stored, unless the request is rejected.

    Parameters
    ----------
    body
        The request.
    check
        Raises InvalidInputError if the request is to be rejected for another reason.
    """

    def recipe_for(spec: DatasetSpec) -> Recipe:
        recipe = _with_start(body.resolve(spec), spec)
        check(recipe, spec)
        return recipe

    wanted = body.wanted_dataset
    if isinstance(wanted, str):
        try:
            spec = backend().datasets.spec(wanted)
        except NotFoundError as error:
            raise InvalidInputError.at("/dataset", str(error)) from None
        return recipe_for(spec), spec
    splits = wanted.splits()
    recipe = recipe_for(splits["train"].spec)
    return recipe, _stored(splits)


def _stored(splits: dict[Split, Dataset]) -> DatasetSpec:
    """Store a data set, unless it is there."""
    made = splits["train"].spec
    try:
        return backend().datasets.spec(made.id)
    except NotFoundError:
        check_room()
        size = sum(split.samples.nbytes + split.labels.nbytes for split in splits.values())
        backend().quota.check(owner(), more=size)
        with saying_why("store the data set"):
            return backend().datasets.add(splits, owner())


def _with_start(recipe: Recipe, spec: DatasetSpec) -> Recipe:
    """Return a recipe with the id of the model to continue, which must fit it."""
    if recipe.from_model is None:
        return recipe
    try:
        card = backend().models.card(recipe.from_model)
    except (NotFoundError, DamagedModelError) as error:
        raise InvalidInputError.at("/from_model", str(error)) from None
    recipe.check_start(spec, card.recipe, card.dataset)
    return recipe.changed(from_model=card.id)


def submission(header: TrainHeaders, priority: int, webhook: str | None) -> Submission:
    """Return what the submissions of all kinds of jobs have in common.

    Raises
    ------
    InvalidInputError
        The host of the webhook is an address that is neither public nor allowed.
    """
    settings = backend().settings
    if webhook:
        check_webhook(webhook, settings.webhook_hosts)
    return {
        "queue_limit": settings.queue_limit,
        "owner_limit": settings.owner_queued,
        "idempotency_key": own_key(header.idempotency_key),
        "request_id": request_id.get(),
        "submitted_by": owner(),
        "priority": priority,
        "webhook": webhook,
    }


def check_room() -> None:
    """Raise QueueFullError if a job that the current request submits would be rejected."""
    settings = backend().settings
    backend().jobs.check_room(settings.queue_limit, owner(), settings.owner_queued)


def announce(job: Job, schema: int = 1) -> None:
    """Let a worker claim a new job; for `schema`, see `class_of`."""
    log.info("job %s: accepted", job.id)
    try:
        send_token(backend().celery, class_of(job.requires, schema))
    except Exception as error:  # the job is stored; workers replace lost tokens
        log.warning("no token was sent for job %s: %s", job.id, error)


def accepted(job: Job | Sweep) -> Response:
    """Make the response to a request whose work a job does."""
    response = jsonify(job.model_dump(mode="json"))
    response.status_code = 202
    response.headers["Location"] = job.links.self
    response.headers["Retry-After"] = "1"
    return response
