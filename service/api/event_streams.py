"""Stream the events of jobs."""

from flask import Response, request
from pydantic import Field
from werkzeug.exceptions import TooManyRequests

from jobs.events import EVENT_ID, FIRST, read_events
from jobs.record import FINAL
from service.api.parameters import Parameters
from service.backend import backend
from service.server.streams import FOLLOW, to_bytes
from stepbox.errors import InvalidInputError


class EventHeaders(Parameters, extra="ignore"):
    """Headers of a stream of events."""

    last_event_id: str = Field(
        FIRST,
        alias="Last-Event-ID",
        description="Resume after this event, without a gap.",
        json_schema_extra={"pattern": f"^{EVENT_ID.pattern}$"},  # checked with a clearer message
    )


def event_stream(id: str, header: EventHeaders) -> Response:
    """Make the response that streams the events of a job."""
    after = header.last_event_id
    if not EVENT_ID.fullmatch(after):
        raise InvalidInputError.at(
            "/Last-Event-ID", "must be the id of an event, like 1700000000000-0"
        )
    store, streams = backend().jobs, backend().streams
    response = Response(content_type="text/event-stream", headers={"Cache-Control": "no-store"})
    if store.get(id).status in FINAL:
        events = read_events(store, id, after)
        response.set_data(b"".join(to_bytes(event) for event in events if event.data))
    elif streams.open >= streams.limit:
        raise TooManyRequests("This process has reached its limit of event streams.")
    elif request.method == "GET":
        response.headers[FOLLOW] = f"{id} {after}"  # the event loop sends the body
    return response
