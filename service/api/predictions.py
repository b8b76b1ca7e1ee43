"""Predictions of whole data sets: start one, and get what it has found."""

from typing import Any

import orjson
from flask import Response, request, send_file
from flask_openapi3 import APIBlueprint, Tag
from pydantic import BaseModel, ConfigDict, Field
from werkzeug.exceptions import RequestedRangeNotSatisfiable

from jobs.record import FINAL, Job, PredictionTask
from service.access.tokens import owner
from service.api.jobs import JobPath, TrainHeaders, accepted, announce, submission
from service.api.parameters import BINARY, Parameters
from service.api.readers.by_type import JSON
from service.backend import backend
from service.errors import problems
from stepbox.data.dataset import DatasetSpec, Split
from stepbox.errors import ConflictError, DamagedModelError, InvalidInputError, NotFoundError
from stepbox.predicting.size import check_size
from stepbox.store.card import Card
from stepbox.store.predictions import Format, PredictionReport, ResultFile
from stepbox.training.labels import Labels, Notes, Tags, Title
from stepbox.training.requirements import Priority
from stepbox.training.webhook import Webhook

TYPES: dict[Format, str] = {
    "parquet": "application/vnd.apache.parquet",
    "csv": "text/csv; charset=utf-8",
}

blueprint = APIBlueprint(
    "predictions",
    __name__,
    url_prefix="/predictions",
    abp_tags=[Tag(name="predictions", description="Predictions of whole data sets, as jobs.")],
)


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


class PredictionLinks(BaseModel):
    """URLs of a prediction."""

    self: str
    job: str = Field(description="Its job. To DELETE the job also deletes the prediction.")
    model: str
    dataset: str | None = Field(description="Null if the samples were uploaded.")
    parquet: str = Field(description="The result as Parquet.")
    csv: str = Field(description="The result as CSV.")


class PredictionEntry(PredictionReport, title="PredictionEntry"):
    """What a model predicts for the samples of a data set, or of an upload."""

    id: str = Field(description="Id of the job.")
    links: PredictionLinks


class ResultQuery(Parameters):
    """Query parameters: the format of a result."""

    format: Format = Field("parquet", description="Format of the file.")


@blueprint.post("", responses={202: Job, **problems(400, 409, 413, 415, 422, 429, 503, 507)})
def predict_dataset(header: TrainHeaders, body: PredictionRequest) -> Response:
    """Predict all samples of a split of a data set, which a worker does.

    The result is a Parquet and a CSV file with a row for each sample.
    """
    card = model_to_use(body.model)
    spec = _dataset(body.dataset, card)
    check_size(spec.split(body.split).samples, len(card.classes), "/dataset")
    backend().quota.check(owner())
    job = backend().jobs.submit_prediction(
        PredictionTask(model=card.id, dataset=spec.key, split=body.split),
        samples=spec.split(body.split).samples,
        labels=Labels(title=body.title, notes=body.notes, tags=body.tags),
        **submission(header, body.priority, body.webhook),
    )
    announce(job, 3)
    return accepted(job)


@blueprint.get("/<id>", responses={200: PredictionEntry, **problems(404, 409, 503)})
def get_prediction(path: JobPath) -> Response:
    """Return what a prediction has found: its evaluation and the most uncertain samples.

    Until its job has succeeded, the response is a 409.
    """
    found = _prediction(path.id)
    return Response(orjson.dumps(_entry(path.id, found)), content_type=JSON)


@blueprint.get(
    "/<id>/result",
    responses={
        200: {
            "description": "The file, with a row for each sample: `index`, `label` (empty where it "
            "is not known), `predicted`, `probability`, and for each class a column `p_…` with its "
            "probability.",
            "content": dict.fromkeys((kind.partition(";")[0] for kind in TYPES.values()), BINARY),
            "headers": {
                "ETag": {"schema": {"type": "string"}, "description": "SHA-256 of the file."}
            },
        },
        304: {"description": "The client already has this file."},
        **problems(404, 409, 422, 503),
    },
)
def get_result(path: JobPath, query: ResultQuery) -> Response:
    """Download what a prediction has found, as Parquet or CSV.

    The file never changes. Send `Range` to go on with a download that was interrupted.
    """
    described: ResultFile = getattr(_prediction(path.id).files, query.format)
    file = backend().predictions.open(path.id, query.format)
    response = send_file(
        file,
        mimetype=TYPES[query.format],
        as_attachment=True,
        download_name=f"predictions-{path.id}.{query.format}",
        conditional=False,
        etag=described.sha256,
    )
    size = response.content_length = described.bytes
    try:
        response.make_conditional(request, accept_ranges=True, complete_length=size)
    except RequestedRangeNotSatisfiable:
        file.close()
        raise
    return response


def model_to_use(reference: str) -> Card:
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


def _prediction(id: str) -> PredictionReport:
    """Return what a job has found.

    Raises
    ------
    NotFoundError
        There is no prediction with this id.
    ConflictError
        Its job has not succeeded.
    """
    job = backend().jobs.get(id)
    if job.prediction is None:
        raise NotFoundError(f"job {id} is no prediction of a data set")
    if job.status != "succeeded":
        when = "has no result" if job.status in FINAL else "has no result yet"
        raise ConflictError(f"the prediction {id} {when}: its status is {job.status}")
    return backend().predictions.get(id)


def _entry(id: str, found: PredictionReport) -> dict[str, Any]:
    """Return the fields of `PredictionEntry`."""
    url = f"/predictions/{id}"
    links = PredictionLinks(
        self=url,
        job=f"/jobs/{id}",
        model=f"/models/{found.model}",
        dataset=None if found.dataset is None else f"/datasets/{found.dataset.key}",
        parquet=f"{url}/result?format=parquet",
        csv=f"{url}/result?format=csv",
    )
    return {"id": id, **found.model_dump(mode="json"), "links": links.model_dump()}
