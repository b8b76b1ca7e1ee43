"""Upload a data set: the body goes to a file, and a job imports it."""

from collections.abc import Callable
from secrets import token_hex
from typing import Any

from flask import Response, request
from pydantic import Field, field_validator
from werkzeug.exceptions import BadRequest, UnsupportedMediaType

from jobs.connection import UnconfirmedError
from jobs.record import Job
from service.access.tokens import owner
from service.api.datasets import blueprint
from service.api.parameters import BINARY, Parameters
from service.api.submitting import SubmitHeaders, accepted, announce, check_room, submission
from service.backend import backend
from service.bodies.bounds import Bound
from service.bodies.to_file import received_file, to_receive
from service.errors import problems
from stepbox.data.readers.detect import kind_of_start
from stepbox.errors import InvalidInputError, StepboxError
from stepbox.importing.options import ImportOptions
from stepbox.store.uploads import Receiving
from stepbox.training.requirements import Priority
from stepbox.training.webhook import Webhook

MULTIPART = "multipart/form-data"
FILES = (
    "application/x-npz",
    "application/zip",
    "application/x-zip-compressed",  # as Windows names it
    "application/x-tar",
    "application/gzip",
    "application/x-gzip",
    "text/csv",
    "application/vnd.apache.parquet",
    "application/octet-stream",
)

REQUEST_BODY: dict[str, Any] = {
    "required": True,
    "description": "One file, or several as multipart form data, for example four IDX files.",
    "content": {
        **dict.fromkeys(FILES, BINARY),
        MULTIPART: {
            "schema": {"type": "object", "additionalProperties": BINARY["schema"]},
        },
    },
}


class UploadQuery(ImportOptions, Parameters):
    """Query parameters: how to make a data set from the body."""

    priority: Priority = 0
    webhook: Webhook = None

    @field_validator("size", mode="before")
    @classmethod
    def _is_number(cls, value: Any) -> Any:
        return int(value) if isinstance(value, str) and value.isdecimal() else value


class UploadHeaders(SubmitHeaders):
    """Headers of POST /datasets."""

    encoding: str = Field(
        "",
        alias="Content-Encoding",
        description="`gzip`, for a compressed body.",
        json_schema_extra={"enum": ["", "gzip"]},  # other encodings: 415, not 422
    )


def check_start(headers: dict[bytes, bytes], first: bytes) -> None:
    """Reject an empty body, and one of an unknown format. Only an import opens a form."""
    if not first:
        raise InvalidInputError.at("", "the body is empty: send a file")
    if not headers.get(b"content-type", b"").lower().startswith(MULTIPART.encode()):
        kind_of_start(first)


@blueprint.post(
    "",
    responses={202: Job, **problems(400, 413, 415, 422, 429, 503, 507)},
    openapi_extensions={"requestBody": REQUEST_BODY},
)
@Bound(to_file=check_start)
def upload(query: UploadQuery, header: UploadHeaders) -> Response:
    """Upload a data set, which a worker imports.

    The body is a zip or tar with one folder of images per class, CSV, .npz, Parquet, or IDX files,
    or gzip of one of these. Its first bytes tell the format.
    """
    common = submission(header, query.priority, query.webhook)
    file = received_file()
    if file is None:
        check_head(header.encoding)
        return to_receive(token_hex(8), owner())
    options = ImportOptions(**query.model_dump(include={*ImportOptions.model_fields}))
    content_type = request.headers.get("Content-Type", "")
    job = submit_with(
        file,
        lambda id: backend().jobs.submit_import(
            options, content_type=content_type, upload_bytes=file.size, id=id, **common
        ),
    )
    announce(job)
    return accepted(job)


def submit_with(file: Receiving, submit: Callable[[str], Job]) -> Job:
    """Submit a job with the id of a received file; remove the file if there is no such job."""
    id = file.keep()
    try:
        job = submit(id)
    except UnconfirmedError as error:
        if error.answer[-1] != id:  # the job of an earlier request
            file.remove()
        raise
    except StepboxError:  # after another error of Redis, there may be a job
        file.remove()
        raise
    if job.id != id:
        file.remove()
    return job


def check_head(encoding: str) -> None:
    """Check what can be checked before the body is read."""
    if encoding.strip().lower() not in ("", "gzip"):
        raise UnsupportedMediaType("Content-Encoding must be gzip.")
    if request.mimetype and request.mimetype not in (*FILES, MULTIPART):
        raise UnsupportedMediaType(f"Content-Type must be one of {', '.join((*FILES, MULTIPART))}.")
    if request.mimetype == MULTIPART and not request.mimetype_params.get("boundary"):
        raise BadRequest("The Content-Type of multipart form data must have a boundary.")
    check_room()
