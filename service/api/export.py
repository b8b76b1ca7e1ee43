"""Models as files that other programs read."""

import hashlib

from flask import Response, request
from flask_openapi3 import APIBlueprint
from pydantic import Field

from service.api.models import TAG, ModelPath
from service.api.parameters import BINARY, Parameters
from service.backend import backend
from service.bodies.bounds import LAYERS_BYTES, Bound
from service.errors import problems
from stepbox.exporting.names import Format

blueprint = APIBlueprint("export", __name__, abp_tags=[TAG])

CHECKED_ON = "X-Checked-On"
TYPES: dict[Format, str] = {
    "onnx": "application/octet-stream",
    "npz": "application/octet-stream",
    "torch": "application/zip",
}


class ExportQuery(Parameters):
    """Query parameters: which file to make of a model."""

    format: Format = Field(
        "onnx",
        description="`onnx`: a graph of the whole model, checked with onnxruntime. `npz`: the "
        "weights for NumPy, by the names of the weights file. `torch`: a zip archive of "
        "`model.safetensors` and of `load.py`, which makes a `torch.nn.Sequential` of it.",
    )


@blueprint.get(
    "/models/<ref>/export",
    responses={
        200: {
            "description": "The file. Within one release, the same model gives the same bytes.",
            "content": dict.fromkeys(sorted({*TYPES.values()}), BINARY),
            "headers": {
                "ETag": {"schema": {"type": "string"}, "description": "SHA-256 of the file."},
                CHECKED_ON: {
                    "schema": {"type": "string"},
                    "description": "The samples that an ONNX file was checked on, in words.",
                },
            },
        },
        304: {"description": "The client already has this file."},
        **problems(404, 409, 422, 500, 503),
    },
)
@Bound(memory_bytes=LAYERS_BYTES)
def export_model(path: ModelPath, query: ExportQuery) -> Response:
    """Download a model as a file for other programs.

    An ONNX file is compared with the model before it is returned, on 1,000 samples. If a
    probability differs by more than 1e-5, the response is a 500 that says so. Send `If-None-Match`
    to avoid downloading an unchanged file.
    """
    card = backend().models.card(path.ref)
    file = backend().exports.file(card.id, query.format)
    response = Response(file.content, content_type=TYPES[query.format])
    response.headers.set("Content-Disposition", "attachment", filename=file.name)
    response.set_etag(hashlib.sha256(file.content).hexdigest())
    if file.checked_on is not None:
        response.headers[CHECKED_ON] = file.checked_on
    response.cache_control.no_cache = True
    response.make_conditional(request)
    return response
