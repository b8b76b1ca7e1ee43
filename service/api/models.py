"""Trained models. `aliases` adds its views to this blueprint."""

from flask import Response, jsonify, request, send_file
from flask_openapi3 import APIBlueprint, Tag
from pydantic import BaseModel, Field
from werkzeug.exceptions import RequestedRangeNotSatisfiable

from service.api.labels import label_model
from service.api.parameters import BINARY, CURSOR_FORMAT, Parameters
from service.backend import backend
from service.errors import problems
from stepbox.store.card import Card
from stepbox.store.index import CURSOR
from stepbox.training.labels import LabelChanges

TAG = Tag(name="models", description="Trained models and their aliases.")
blueprint = APIBlueprint("models", __name__, abp_tags=[TAG])


class ModelPath(BaseModel):
    """Path parameters: a model."""

    ref: str = Field(
        description="Id or alias of a model. `latest` names the newest model that is better than "
        "guessing, or the newest model if there is none. `latest-mnist` and "
        "`latest-fashion-mnist` do so for their data set.",
        json_schema_extra={"example": "latest"},
    )


class DamagedModel(BaseModel):
    """A model that is not served because its files are damaged."""

    id: str
    detail: str = Field(description="What is wrong with its files.")


class ModelQuery(Parameters):
    """Query parameters: which models to list."""

    limit: int = Field(
        100, ge=1, le=1000, description="Maximum number of models to list, including damaged ones."
    )
    after: str | None = Field(
        None,
        pattern=f"^{CURSOR.pattern}$",
        json_schema_extra={"format": CURSOR_FORMAT},
        description="The cursor `next` of the previous page. It stays valid if models are deleted.",
    )


class ModelList(BaseModel):
    """A page of models, newest first."""

    models: list[Card]
    damaged: list[DamagedModel] = Field(description="Models of this page whose files are damaged.")
    next: str | None = Field(description="Pass it as `after` for the next page. Null at the end.")


@blueprint.get("/models", responses={200: ModelList, **problems(422)})
def list_models(query: ModelQuery) -> Response:
    """List the cards of models, newest first."""
    listed, cursor = backend().models.page(query.limit, query.after)
    return jsonify(
        models=[one.card.model_dump(mode="json") | {"losses": None} for one in listed if one.card],
        damaged=[{"id": one.id, "detail": one.damage} for one in listed if one.damage],
        next=cursor,
    )


@blueprint.get(
    "/models/<ref>", responses={200: Card, 304: {"description": "Unchanged."}, **problems(404, 409)}
)
def get_model(path: ModelPath) -> Response:
    """Return a model's recipe, history and evaluation.

    Send `If-None-Match` to avoid downloading an unchanged card.
    """
    response = jsonify(backend().models.card(path.ref).model_dump(mode="json"))
    response.add_etag(weak=True)  # weak: the plain and the gzipped card share it
    response.cache_control.no_cache = True
    response.make_conditional(request)
    return response


@blueprint.get(
    "/models/<ref>/weights",
    responses={
        200: {
            "description": "A safetensors file of the tensors `0.weight` (n_out, n_in), `0.bias`, "
            "`1.weight`, ...",
            "content": {"application/octet-stream": BINARY},
            "headers": {
                "ETag": {"schema": {"type": "string"}, "description": "SHA-256 of the file."}
            },
        },
        304: {"description": "The client already has these weights."},
        **problems(404, 409),
    },
)
def get_weights(path: ModelPath) -> Response:
    """Download a model's weights. Send `If-None-Match` to avoid downloading them again."""
    card, file = backend().models.open_weights(path.ref)
    response = send_file(
        file,
        mimetype="application/octet-stream",
        as_attachment=True,
        download_name=f"{card.id}.safetensors",
        conditional=False,
        etag=card.weights.sha256,
        last_modified=card.created_at,
    )
    size = response.content_length = card.weights.bytes
    try:
        response.make_conditional(request, accept_ranges=True, complete_length=size)
    except RequestedRangeNotSatisfiable:
        file.close()
        raise
    return response


@blueprint.patch(
    "/models/<ref>", responses={200: Card, **problems(400, 404, 409, 413, 415, 422, 503)}
)
def patch_model(path: ModelPath, body: LabelChanges) -> Response:
    """Change the title, notes or tags of a model, by its id, and of its job if it exists."""
    return jsonify(label_model(path.ref, body.given()).model_dump(mode="json"))


@blueprint.delete(
    "/models/<ref>", responses={204: {"description": "Done."}, **problems(404, 409, 503)}
)
def delete_model(path: ModelPath) -> tuple[str, int]:
    """Delete a model by its id. A model that an alias names cannot be deleted."""
    backend().models.delete(path.ref)
    return "", 204
