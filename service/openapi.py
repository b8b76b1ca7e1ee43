"""The OpenAPI document."""

from copy import deepcopy
from typing import Any

from flask import Response, jsonify
from flask_openapi3 import OpenAPI

from service.api.inference.schemas import InferenceRequest, InferenceResponse
from service.api.parameters import BINARY
from service.api.prediction_jobs import PredictionRequest
from service.api.readers.by_type import JSON, NPY
from service.api.readers.json_images import Instances, Samples
from service.errors import ProtocolError, is_protocol, problems
from service.links import add_links

# The views refer to these models in ways that flask-openapi3 does not see.
REFERRED = (
    *(Samples, Instances, PredictionRequest),
    *(InferenceRequest, InferenceResponse, ProtocolError),
)
PROTOCOL_ERROR = {JSON: {"schema": {"$ref": "#/components/schemas/ProtocolError"}}}
ANYWHERE = (413, 503)  # any operation may return them: body too large, too little memory free


def register(app: OpenAPI) -> None:
    """Add /openapi.json. Call this after adding all operations."""
    document = app.extensions["openapi"] = _document(app)

    @app.route("/openapi.json")
    def openapi_json() -> Response:
        return jsonify(document)


def _document(app: OpenAPI) -> dict[str, Any]:
    """Make the document, and correct what flask-openapi3 gets wrong."""
    document = deepcopy(app.api_doc)
    document["paths"]["/predict"]["post"]["responses"]["200"]["content"][NPY] = BINARY
    schemas = document["components"]["schemas"]
    for model in REFERRED:
        schema = model.model_json_schema(ref_template="#/components/schemas/{model}")
        schemas.update(schema.pop("$defs", {}))
        schemas[model.__name__] = schema
    for path, operations in document["paths"].items():
        for operation in operations.values():
            text = f"{operation['summary']} {operation.get('description', '')}"  # the docstring
            operation["description"] = " ".join(text.replace("<br/>", " ").split())
            operation["summary"] = operation["description"].split(". ")[0].removesuffix(".")
            # flask-openapi3 adds a 422 with this content to each operation that describes none.
            if "application/json" in operation["responses"]["422"]["content"]:
                del operation["responses"]["422"]
            for status, answer in problems(*ANYWHERE).items():
                operation["responses"].setdefault(str(status), answer)
            if is_protocol(path):
                for status, answer in operation["responses"].items():
                    if int(status) >= 400:
                        answer["content"] = PROTOCOL_ERROR
    for model in schemas.values():
        for schema in (model, *model.get("properties", {}).values()):
            if "example" in schema:  # OpenAPI 3.1 replaced it by `examples`
                schema["examples"] = [schema.pop("example")]
    add_links(document)
    return document
