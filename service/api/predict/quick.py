"""Quick predictions: small ones, which the server's event loop answers without Flask.

The head of a request decides whether its prediction is quick. If the body is wrong, Flask gets the
error and responds with it, so the body is not read a second time.
"""

import re
from functools import partial
from time import perf_counter
from urllib.parse import parse_qsl

from werkzeug.exceptions import HTTPException

from service.access.check import AccessCheck
from service.api.predict.answer import PredictQuery, find_model, predict_images
from service.api.predict.preparation import TakesLongError
from service.api.readers.by_type import parse_content_type, read_quick_images
from service.metrics.counts import observe
from service.server.quick import AnswerBody, QuickAnswer
from service.settings import ServiceSettings
from stepbox.store.models import ModelStore

_TARGET = re.compile(rb"/predict(?:\?([^#]*))?")


class QuickPredictions:
    """Decides which predictions are quick, and answers them.

    Parameters
    ----------
    models
        The models to choose from.
    settings
        The settings of the API.
    check_access
        Checks who may send a request.
    """

    def __init__(
        self, models: ModelStore, settings: ServiceSettings, check_access: AccessCheck
    ) -> None:
        self._models = models
        self._max_body_bytes = settings.max_body_bytes
        self._check_access = check_access
        # The rate limiter is in Flask, so with a limit all requests go there.
        self._enabled = not settings.predict_limit

    def accept(
        self, method: bytes, target: bytes, headers: dict[bytes, bytes], size: int
    ) -> AnswerBody | None:
        """Return the function that answers a request, or None if it is not quick."""
        match = _TARGET.fullmatch(target)
        if match is None or method != b"POST" or not self._enabled or size > self._max_body_bytes:
            return None
        if b"content-encoding" in headers:
            return None
        try:
            owner = self._check_access("POST", "/predict", headers).sees_only
            query = _parse_query(match[1] or b"")
        except (HTTPException, ValueError):
            return None  # Flask says what is wrong with it
        if query.explain or query.activations or query.occlusion or query.off:
            return None  # this takes longer, and Flask compresses the response
        kind, _ = parse_content_type(_text(headers, b"content-type"))
        models = self._models if owner is None else self._models.seen_by(owner)
        return partial(self._answer, models, query, kind, _text(headers, b"accept"))

    def _answer(
        self, models: ModelStore, query: PredictQuery, kind: str, accept: str, body: bytes
    ) -> QuickAnswer | None:
        """Answer a prediction. If it may take long, return None before most of the work."""
        began = perf_counter()
        model = find_model(models.loaded, query.model)
        if model is None:
            return None  # the weights are not in memory yet
        images = read_quick_images(kind, body, model[0].dataset, query.scale)
        if images is None:
            return None
        try:
            answer = predict_images(model, query, images, accept, quick=True)
        except TakesLongError:
            return None
        observe("/predict", "POST", 200, perf_counter() - began)
        return answer


def _parse_query(text: bytes) -> PredictQuery:
    """Parse a query string. Raise ValueError if it is invalid, or has a name twice."""
    pairs = parse_qsl(text.decode("ascii"), keep_blank_values=True)
    if len(dict(pairs)) < len(pairs):
        raise ValueError("a name occurs twice")
    return PredictQuery.model_validate(dict(pairs))


def _text(headers: dict[bytes, bytes], name: bytes) -> str:
    return headers.get(name, b"").decode("latin-1")
