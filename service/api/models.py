"""Trained models and their aliases."""

from contextlib import suppress

from flask import Response, jsonify, request, send_file
from flask_openapi3 import APIBlueprint, Tag
from flask_openapi3.types import ResponseDict
from pydantic import BaseModel, ConfigDict, Field
from werkzeug.exceptions import RequestedRangeNotSatisfiable

from service.api.parameters import Parameters
from service.backend import backend
from service.errors import problems
from stepbox.errors import DamagedModelError, NotFoundError
from stepbox.store.card import Card, ModelId
from stepbox.store.index import CURSOR
from stepbox.store.models import LATEST

blueprint = APIBlueprint(
    "models", __name__, abp_tags=[Tag(name="models", description="What trainings came to.")]
)

NO_CONTENT: ResponseDict = {204: {"description": "Done."}}


class ModelPath(BaseModel):
    """A model in the path."""

    ref: str = Field(
        description="Id or alias of a model; `latest`, `latest-mnist` and `latest-fashion-mnist` "
        "are always the newest.",
        json_schema_extra={"example": "latest"},
    )


class AliasPath(BaseModel):
    """An alias in the path."""

    name: str = Field(description="The alias.", json_schema_extra={"example": "best"})


class AliasBody(BaseModel):
    """What an alias names."""

    model_config = ConfigDict(extra="forbid", strict=True)

    model: ModelId


class DamagedModel(BaseModel):
    """A model that is never served."""

    id: str
    detail: str = Field(description="What is wrong with its files.")


class ModelQuery(Parameters):
    """Which models to list."""

    limit: int = Field(100, ge=1, le=1000, description="Most models to list, damaged ones too.")
    after: str | None = Field(
        None,
        pattern=f"^{CURSOR.pattern}$",
        description="The cursor `next` of the previous page, also of one whose models are deleted.",
    )


class ModelList(BaseModel):
    """A page of models, newest first."""

    models: list[Card]
    damaged: list[DamagedModel] = Field(
        description="Those of the page whose files differ from their card."
    )
    next: str | None = Field(description="Pass it as `after` for the next page; null at the end.")


class AliasList(BaseModel):
    """The aliases."""

    aliases: dict[str, str] = Field(description="Alias → id, as they were put.")
    computed: dict[str, str] = Field(description="`latest…` → id, as they are now.")


@blueprint.get("/models", summary="List models", responses={200: ModelList, **problems(422)})
def list_models(query: ModelQuery) -> Response:
    """List the cards of models, newest first."""
    listed, cursor = backend().models.page(query.limit, query.after)
    return jsonify(
        models=[one.card.model_dump(mode="json") for one in listed if one.card and not one.damage],
        damaged=[{"id": one.id, "detail": one.damage} for one in listed if one.damage],
        next=cursor,
    )


@blueprint.get(
    "/models/<ref>",
    summary="A model's card",
    responses={200: Card, 304: {"description": "Unchanged."}, **problems(404, 409)},
)
def get_model(path: ModelPath) -> Response:
    """Give what is known of a model: its recipe, history and evaluation.

    `If-None-Match` spares a second download.
    """
    response = jsonify(backend().models.card(path.ref).model_dump(mode="json"))
    response.add_etag(weak=True)  # packed or not, it is the same card
    response.cache_control.no_cache = True
    response.make_conditional(request)
    return response


@blueprint.get(
    "/models/<ref>/weights",
    summary="A model's weights",
    responses={
        200: {
            "description": "A safetensors file of the tensors `0.weight` (n_out, n_in), `0.bias`, "
            "`1.weight`, ...",
            "content": {
                "application/octet-stream": {"schema": {"type": "string", "format": "binary"}}
            },
            "headers": {"ETag": {"schema": {"type": "string"}, "description": "Their sha256."}},
        },
        304: {"description": "The client has these weights already."},
        **problems(404, 409),
    },
)
def get_weights(path: ModelPath) -> Response:
    """Download a model's weights; `If-None-Match` spares a second download."""
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


@blueprint.delete(
    "/models/<ref>",
    summary="Delete a model",
    responses={**NO_CONTENT, **problems(404, 409, 503)},
)
def delete_model(path: ModelPath) -> tuple[str, int]:
    """Delete a model for good, named by its id; one that an alias names is refused."""
    backend().models.delete(path.ref)
    return "", 204


@blueprint.get("/aliases", summary="List aliases", responses={200: AliasList})
def list_aliases() -> Response:
    """List the aliases that were put, and the `latest…` names as they are now."""
    return _aliases()


@blueprint.put(
    "/aliases/<name>",
    summary="Put an alias",
    responses={200: AliasList, **problems(400, 413, 415, 422, 503)},
)
def put_alias(path: AliasPath, body: AliasBody) -> Response:
    """Let an alias name a model, whatever it named before."""
    backend().models.set_alias(path.name, body.model)
    return _aliases()


@blueprint.delete(
    "/aliases/<name>", summary="Remove an alias", responses={**NO_CONTENT, **problems(404, 503)}
)
def remove_alias(path: AliasPath) -> tuple[str, int]:
    """Remove an alias; the model stays."""
    backend().models.remove_alias(path.name)
    return "", 204


def _aliases() -> Response:
    models = backend().models
    computed = {}
    for name in LATEST:
        with suppress(NotFoundError, DamagedModelError):
            computed[name] = models.card(name).id
    return jsonify(aliases=models.aliases(), computed=computed)
