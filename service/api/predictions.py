"""Predictions of whole data sets: start one, and get what it has found."""

from typing import Any

import orjson
from flask import Response, request, send_file
from flask_openapi3 import APIBlueprint, Tag
from pydantic import BaseModel, Field
from werkzeug.exceptions import RequestedRangeNotSatisfiable

from jobs.record import FINAL
from service.api.jobs import JobPath
from service.api.parameters import BINARY, Parameters
from service.api.readers.by_type import JSON
from service.backend import backend
from service.errors import problems
from stepbox.errors import ConflictError, NotFoundError
from stepbox.store.predictions import Format, PredictionReport, ResultFile

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
