"""What all requests that submit a job have in common."""

import logging
from collections.abc import Callable

from flask import Response, jsonify
from pydantic import Field

from jobs.logs import request_id
from jobs.queue import send_token
from jobs.record import Job
from jobs.routing import class_of
from jobs.submission import Submission
from jobs.sweep import Sweep
from service.access.tokens import own_key, owner
from service.api.parameters import Parameters
from service.backend import backend
from service.webhooks.sending import check_webhook
from stepbox.data.dataset import Dataset, DatasetSpec, Split
from stepbox.errors import DamagedModelError, InvalidInputError, NotFoundError
from stepbox.store.quota import saying_why
from stepbox.training.recipe import Recipe
from stepbox.training.request import TrainRequest

log = logging.getLogger(__name__)

# Enough for the largest number of points, however they are written
TRAIN_BYTES = 256 * 2**10


class SubmitHeaders(Parameters, extra="ignore"):  # requests also have other headers
    """Headers of a request that submits a job."""

    idempotency_key: str | None = Field(
        None,
        alias="Idempotency-Key",
        min_length=1,
        max_length=200,
        description="A key chosen by the client, kept for a day. A request with the same key and "
        "the same body returns the same job, unless the job has been deleted.",
    )


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


def submission(header: SubmitHeaders, priority: int, webhook: str | None) -> Submission:
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
