"""The aliases of models: their gates, their history, and the way back."""

from contextlib import suppress

from flask import Response, jsonify
from pydantic import BaseModel, ConfigDict, Field

from service.access.tokens import owner
from service.api.gates import judge, spec_of_gate
from service.api.models import blueprint
from service.backend import backend
from service.errors import problems
from stepbox.errors import DamagedModelError, NotFoundError
from stepbox.store.alias_record import AliasSetting, Gate
from stepbox.store.card import ModelId


class AliasPath(BaseModel):
    """Path parameters: an alias."""

    name: str = Field(description="The alias.", json_schema_extra={"example": "best"})


class GateBody(Gate):
    """What a model must achieve before an alias may name it."""

    model_config = ConfigDict(
        extra="forbid", strict=True, json_schema_extra={"example": {"min_accuracy": 0.95}}
    )

    dataset: str | None = Field(
        None,
        max_length=100,
        description="The data set whose test samples count: its id, or a name. Null for the data "
        "set of each model.",
    )


class AliasBody(BaseModel):
    """The model that an alias names, and the gate that it has from now on."""

    model_config = ConfigDict(
        extra="forbid", strict=True, json_schema_extra={"example": {"model": "m-3f9c02d17ab4"}}
    )

    model: ModelId = Field(
        json_schema_extra={
            "format": "id of a model (an alias is not accepted, because it may change meanwhile)",
            "example": "m-3f9c02d17ab4",
        },
    )
    gate: GateBody | None = Field(
        None,
        description="Null removes the gate. Without this field, the alias keeps the gate that it "
        "has.",
    )


class AliasList(BaseModel):
    """The aliases."""

    aliases: dict[str, str] = Field(description="Alias → id, set by clients.")
    computed: dict[str, str] = Field(description="`latest…` → id, computed for each response.")


class Alias(BaseModel):
    """An alias."""

    name: str = Field(description="The alias.")
    model: ModelId
    gate: Gate | None = Field(description="What its models must achieve; null for no gate.")
    history: list[AliasSetting] = Field(
        description="The last 100 settings, the newest last. Models in it may have been deleted."
    )


@blueprint.get("/aliases", responses={200: AliasList, **problems(409)})
def list_aliases() -> Response:
    """List the aliases, and the models that the `latest…` names currently mean."""
    return _aliases()


@blueprint.get("/aliases/<name>", responses={200: Alias, **problems(404, 409, 503)})
def get_alias(path: AliasPath) -> Response:
    """Return an alias with its gate and its history."""
    return _alias(path.name)


@blueprint.put(
    "/aliases/<name>", responses={200: AliasList, **problems(400, 409, 413, 415, 422, 503)}
)
def put_alias(path: AliasPath, body: AliasBody) -> Response:
    """Create an alias for a model, or change the model of an existing alias.

    If the alias has a gate, or gets one, the model is evaluated first, unless its card has an
    evaluation on the same data set. If it does not pass, the response is a 409 that names each
    figure that is not good enough, and nothing changes.
    """
    gate = None
    if body.gate is not None:
        key = body.gate.dataset and spec_of_gate(body.gate.dataset, path.name).key
        gate = Gate(**{**body.gate.model_dump(), "dataset": key})
    backend().models.set_alias(
        path.name,
        body.model,
        gate=gate if "gate" in body.model_fields_set else "as before",
        set_by=owner(),
        judge=lambda gate: judge(path.name, body.model, gate),
    )
    return _aliases()


@blueprint.post("/aliases/<name>/rollback", responses={200: Alias, **problems(404, 409, 503)})
def roll_back_alias(path: AliasPath) -> Response:
    """Let an alias name the model before the present one, of those that still exist.

    The gate is not checked, because this model was accepted once. Two rollbacks in a row go back
    two models.
    """
    backend().models.roll_back(path.name, set_by=owner())
    return _alias(path.name)


@blueprint.delete(
    "/aliases/<name>", responses={204: {"description": "Done."}, **problems(404, 409, 503)}
)
def remove_alias(path: AliasPath) -> tuple[str, int]:
    """Remove an alias, with its gate and its history. The model is not deleted."""
    backend().models.remove_alias(path.name)
    return "", 204


def _alias(name: str) -> Response:
    model, record = backend().models.alias(name)
    return jsonify(name=name, model=model, **record.model_dump(mode="json"))


def _aliases() -> Response:
    models = backend().models
    computed = {}
    for name in models.latest_references():
        with suppress(NotFoundError, DamagedModelError):
            computed[name] = models.card(name).id
    return jsonify(aliases=models.aliases(), computed=computed)
