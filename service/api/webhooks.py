"""Webhooks: which jobs have told whom that they ended, and another attempt."""

from flask import Response, jsonify
from flask_openapi3 import APIBlueprint, Tag
from pydantic import BaseModel, Field

from jobs.deliveries import CURSOR, Delivery, State
from service.api.parameters import CURSOR_FORMAT, Parameters
from service.backend import backend
from service.errors import problems

blueprint = APIBlueprint(
    "webhooks",
    __name__,
    abp_tags=[Tag(name="webhooks", description="Messages to those who wait for the end of a job.")],
)


class DeliveryPath(BaseModel):
    """Path parameters: a delivery."""

    id: str = Field(description="Id of the delivery, which is that of its job.")


class DeliveryQuery(Parameters):
    """Query parameters: which deliveries to list."""

    state: State | None = Field(None, description="List only deliveries in this state.")
    limit: int = Field(20, ge=1, le=100, description="Maximum number of deliveries to list.")
    after: str | None = Field(
        None,
        pattern=f"^{CURSOR.pattern}$",
        json_schema_extra={"format": CURSOR_FORMAT},
        description="The cursor `next` of the previous page.",
    )


class DeliveryList(BaseModel):
    """A page of deliveries, the newest first."""

    deliveries: list[Delivery]
    next: str | None = Field(description="Pass it as `after` for the next page. Null at the end.")


@blueprint.get("/webhooks", responses={200: DeliveryList, **problems(422, 503)})
def list_deliveries(query: DeliveryQuery) -> Response:
    """List the deliveries of webhooks: those whose jobs ended, or that were retried, last first.

    Of the delivered and of the dead ones, the newest 1,000 are kept.
    """
    found, cursor = backend().jobs.deliveries.page(
        state=query.state, limit=query.limit, after=query.after
    )
    return jsonify(deliveries=[delivery.to_json() for delivery in found], next=cursor)


@blueprint.get("/webhooks/<id>", responses={200: Delivery, **problems(404, 503)})
def get_delivery(path: DeliveryPath) -> Response:
    """Return the delivery of a job that has ended."""
    return jsonify(backend().jobs.deliveries.get(path.id).to_json())


@blueprint.post("/webhooks/<id>/retry", responses={202: Delivery, **problems(404, 503)})
def retry_delivery(path: DeliveryPath) -> tuple[Response, int]:
    """Deliver again, at once, and with further attempts for a day. The message keeps its id."""
    return jsonify(backend().jobs.deliveries.retry(path.id).to_json()), 202
