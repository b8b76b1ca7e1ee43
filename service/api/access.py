"""What the token of a client allows, so that it need not offer what would be rejected."""

from flask import Response, jsonify, request
from flask_openapi3 import APIBlueprint, Tag
from pydantic import BaseModel, Field

from service.access.tokens import find_token
from service.backend import backend
from service.errors import problems
from service.settings import Scope

blueprint = APIBlueprint(
    "access",
    __name__,
    abp_tags=[Tag(name="operations", description="State of the installation.")],
)


class Access(BaseModel):
    """What a client may do."""

    required: bool = Field(description="Whether requests need a token.")
    scope: Scope = Field(
        description="`write` allows everything. `read` allows reading, predictions and analyses, "
        "but no changes. `own` is like `write`, for the jobs and models of this owner; models of "
        "nobody can be read."
    )
    name: str | None = Field(
        description="Name of the token: the owner of what requests with it create. Null if it has "
        "none."
    )


@blueprint.get("/access", responses={200: Access, **problems(401)})
def access() -> Response:
    """Tell what the token of this request allows. Without tokens, everyone may write."""
    tokens = backend().tokens
    token = find_token(tokens, request.headers.get("Authorization", ""))
    return jsonify(required=bool(tokens), scope=token.scope, name=token.name)
