"""A variant of Stepbox for comparison: a WSGI callable that answers predictions without Flask."""

from collections.abc import Iterable
from typing import Any

import gevent

from service.api.predict.answer import PredictQuery, predict_body
from service.app import create_app
from service.backend import Backend

flask = create_app()
backend: Backend = flask.extensions["stepbox"]


def app(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    """Answer a prediction request; pass every other request to Flask."""
    if environ["PATH_INFO"] != "/predict" or environ["QUERY_STRING"]:
        return flask(environ, start_response)
    gevent.sleep(0)  # so that a busy connection does not block the others
    body = environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))
    answer = predict_body(backend.models, PredictQuery(), environ["CONTENT_TYPE"], body)
    length = str(len(answer.body))
    start_response("200 OK", [("Content-Type", answer.content_type), ("Content-Length", length)])
    return [answer.body]
