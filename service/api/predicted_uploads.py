"""Predict uploaded samples: the body goes to a file, and a job predicts what it contains."""

from secrets import token_hex

from flask import Response, request
from pydantic import Field

from jobs.connection import UnconfirmedError
from jobs.record import Job, PredictionTask, UploadedSamples
from service.access.tokens import owner
from service.api.jobs import accepted, announce, submission
from service.api.parameters import Parameters
from service.api.predictions import blueprint, model_to_use
from service.api.uploads import REQUEST_BODY, UploadHeaders, check_head, check_start
from service.backend import backend
from service.bodies.bounds import Bound
from service.bodies.to_file import received_file, to_receive
from service.errors import problems
from stepbox.errors import StepboxError
from stepbox.training.requirements import Priority
from stepbox.training.webhook import Webhook


class PredictedUploadQuery(Parameters):
    """Query parameters: which model predicts the samples of the body."""

    model: str = Field(
        "latest", max_length=200, description="Id or alias of a model, as in POST /predictions."
    )
    label: str = Field(
        "label",
        min_length=1,
        max_length=200,
        description="Name of the column that has the classes, in a table. It may be missing.",
    )
    priority: Priority = 0
    webhook: Webhook = None


@blueprint.post(
    "/upload",
    responses={202: Job, **problems(400, 413, 415, 422, 429, 503, 507)},
    openapi_extensions={"requestBody": REQUEST_BODY},
)
@Bound(to_file=check_start)
def predict_upload(query: PredictedUploadQuery, header: UploadHeaders) -> Response:
    """Predict all samples of an uploaded file, which a worker does.

    The body is as for POST /datasets, but its samples need no labels. They are not kept as a data
    set.
    """
    card = model_to_use(query.model)
    file = received_file()
    if file is None:
        check_head(header.encoding)
        return to_receive(token_hex(8), owner())
    id = file.keep()
    samples = UploadedSamples(
        label=query.label,
        content_type=request.headers.get("Content-Type", ""),
        bytes=file.size,
    )
    try:
        job = backend().jobs.submit_prediction(
            PredictionTask(model=card.id, file=samples),
            samples=None,
            id=id,
            **submission(header, query.priority, query.webhook),
        )
    except UnconfirmedError as error:
        if error.answer[-1] != id:  # the job of an earlier request
            file.remove()
        raise
    except StepboxError:  # after another error of Redis, there may be a job
        file.remove()
        raise
    if job.id != id:
        file.remove()
    announce(job, 3)
    return accepted(job)
