"""Start predictions, of a data set or of uploaded samples; a job makes each."""

from secrets import token_hex

from flask import Response, request
from pydantic import BaseModel, ConfigDict, Field

from jobs.record import Job, PredictionTask, UploadedSamples
from service.access.tokens import owner
from service.api.parameters import Parameters
from service.api.predictions import blueprint
from service.api.readers.by_type import JSON
from service.api.submitting import accepted, announce, submission
from service.api.uploads import (
    REQUEST_BODY,
    UploadHeaders,
    check_head,
    check_start,
    submit_with,
)
from service.backend import backend
from service.bodies.bounds import Bound, is_json
from service.bodies.json_body import parse_object
from service.bodies.to_file import received_file, to_receive
from service.errors import problems
from stepbox.data.dataset import DatasetSpec, Split
from stepbox.errors import DamagedModelError, Fault, InvalidInputError, NotFoundError
from stepbox.predicting.size import check_size
from stepbox.store.card import Card
from stepbox.store.uploads import Receiving
from stepbox.training.labels import Labels, Notes, Tags, Title
from stepbox.training.requirements import Priority
from stepbox.training.webhook import Webhook

SCHEMA = 3  # of the jobs; see `jobs.routing`


class PredictionRequest(BaseModel):
    """Which samples to predict, with which model."""

    model_config = ConfigDict(
        extra="forbid",
        strict=True,
        json_schema_extra={"example": {"model": "latest-mnist", "dataset": "mnist"}},
    )

    model: str = Field(
        max_length=200,
        description="Id or alias of a model, or a name such as `latest-mnist`. The job names the "
        "id of the model that this means now.",
    )
    dataset: str = Field(
        max_length=200,
        description="The data set to predict: the name of a built-in one, or the id or the name of "
        "an uploaded one. A name means the newest of this name. Its samples must have the form of "
        "those that the model was trained on.",
    )
    split: Split = Field("test", description="The split to predict.")
    priority: Priority = 0
    title: Title = None
    notes: Notes = ""
    tags: Tags = ()
    webhook: Webhook = None


class PredictionQuery(Parameters):
    """Query parameters: how to predict the samples of a body that is not JSON."""

    model: str = Field(
        "latest", max_length=200, description="Id or alias of a model, as in a JSON body."
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
    "",
    responses={202: Job, **problems(400, 413, 415, 422, 429, 503, 507)},
    openapi_extensions={
        "requestBody": {
            "required": True,
            "description": "JSON that names a data set, or samples as for POST /datasets.",
            "content": {
                JSON: {"schema": {"$ref": "#/components/schemas/PredictionRequest"}},
                **REQUEST_BODY["content"],
            },
        }
    },
)
@Bound(to_file=check_start, or_json=True)
def predict_samples(query: PredictionQuery, header: UploadHeaders) -> Response:
    """Predict all samples of a data set, or of the body, which a worker does.

    A JSON body names a split of a data set. Any other body has the samples itself: it is as for
    POST /datasets, but needs no labels, and is not kept as a data set. The query parameters and
    Content-Encoding are for such a body; JSON has its own fields. The result is a Parquet and a CSV
    file with a row for each sample.
    """
    if is_json(_content_type()):
        job = _predict_dataset(query, header)
    else:
        card = _model(query.model)
        file = received_file()
        if file is None:
            check_head(header.encoding)
            return to_receive(token_hex(8), owner())
        job = _predict_file(card, file, query, header)
    announce(job, SCHEMA)
    return accepted(job)


def _predict_dataset(query: PredictionQuery, header: UploadHeaders) -> Job:
    """Submit the prediction that a JSON body asks for."""
    given = [*sorted(query.model_fields_set), *(["Content-Encoding"] if header.encoding else [])]
    if given:
        raise InvalidInputError(
            [Fault(f"/{name}", "leave it out: the body is JSON, not samples") for name in given]
        )
    body = PredictionRequest.model_validate(parse_object(request.get_data()))
    card = _model(body.model)
    spec = _dataset(body.dataset, card)
    check_size(spec.split(body.split).samples, len(card.classes), "/dataset")
    backend().quota.check(owner())
    return backend().jobs.submit_prediction(
        PredictionTask(model=card.id, dataset=spec.key, split=body.split),
        samples=spec.split(body.split).samples,
        labels=Labels(title=body.title, notes=body.notes, tags=body.tags),
        **submission(header, body.priority, body.webhook),
    )


def _predict_file(
    card: Card, file: Receiving, query: PredictionQuery, header: UploadHeaders
) -> Job:
    """Submit the prediction of an uploaded file."""
    samples = UploadedSamples(label=query.label, content_type=_content_type(), bytes=file.size)
    common = submission(header, query.priority, query.webhook)
    task = PredictionTask(model=card.id, file=samples)
    return submit_with(
        file, lambda id: backend().jobs.submit_prediction(task, samples=None, id=id, **common)
    )


def _content_type() -> str:
    return request.headers.get("Content-Type", "")


def _model(reference: str) -> Card:
    """Return the card of a model that a request names; raise InvalidInputError without one."""
    try:
        return backend().models.card(reference)
    except (NotFoundError, DamagedModelError) as error:
        raise InvalidInputError.at("/model", str(error)) from None


def _dataset(reference: str, card: Card) -> DatasetSpec:
    """Return a data set, whose samples must have the form that a model takes."""
    try:
        spec = backend().datasets.spec(reference)
    except NotFoundError as error:
        raise InvalidInputError.at("/dataset", str(error)) from None
    wanted = card.dataset
    if (spec.kind, spec.shape) != (wanted.kind, wanted.shape):
        raise InvalidInputError.at(
            "/dataset",
            f"must have {_form(wanted)}, as {wanted.title}, on which model {card.id} was trained; "
            f"{spec.title} has {_form(spec)}",
        )
    if spec.columns and wanted.columns and spec.columns != wanted.columns:
        raise InvalidInputError.at(
            "/dataset",
            f"must have the columns {', '.join(wanted.columns)[:1000]} in this order, as "
            f"{wanted.title}, on which model {card.id} was trained",
        )
    return spec


def _form(spec: DatasetSpec) -> str:
    sizes = "×".join(map(str, spec.shape))
    return f"images of {sizes}" if spec.kind == "images" else f"vectors of {sizes} numbers"
