"""A variant of Stepbox for comparison: an ASGI application that only answers predictions."""

from typing import Any

from service.api.predict.answer import PredictQuery, predict_body
from service.app import create_app
from service.backend import Backend

backend: Backend = create_app().extensions["stepbox"]


async def app(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """Answer one prediction request."""
    body, more = b"", True
    while more:
        message = await receive()
        body += message["body"]
        more = message["more_body"]
    kind = dict(scope["headers"])[b"content-type"].decode()
    answer = predict_body(backend.models, PredictQuery(), kind, body)
    headers = [
        (b"content-type", answer.content_type.encode()),
        (b"content-length", str(len(answer.body)).encode()),
    ]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": answer.body})
