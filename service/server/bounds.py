"""What each request may bring and take, known before anything of its body is read."""

from typing import NamedTuple

from flask import Flask, request
from werkzeug.exceptions import RequestEntityTooLarge

from service.server.leaving import stop_if_left
from service.settings import ServiceSettings

REFUSAL = "stepbox.refusal"  # in a request's environment: what is wrong with it; None for nothing

ORDINARY_BYTES = 64 * 2**10  # a recipe, an alias
POINTS_BYTES = 512 * 2**10  # 10,000 points, or 1,000 logits
REGRESSION_BYTES = 32 * 2**20  # a million numbers

MOST_VALUES = 200_000  # of JSON that is read as a whole, not number by number
REGRESSION_VALUES = 2_100_000

UNCOUNTED_BYTES = 64 * 2**10  # of a body: one so small takes no share of the memory
ANALYSIS_BYTES = 32 * 2**20  # that an analysis works with
LAYERS_BYTES = 128 * 2**20  # that working with all weights of a large model takes


class Bound(NamedTuple):
    """What a request may bring, and what it takes.

    Attributes
    ----------
    body
        Bytes of its body, at most.
    factor
        Bytes that it takes for each byte of its body, itself included.
    fixed
        Bytes that it takes whatever its body.
    values
        Values that its JSON may have, counted by what stands before them.
    unpacks
        Whether a body that comes packed is unpacked.
    """

    body: int
    factor: float = 3
    fixed: int = 0
    values: int = MOST_VALUES
    unpacks: bool = False

    def work(self, body: int) -> int:
        """Return the bytes that a request with a body of so many takes of the shared memory."""
        return self.fixed + (round(self.factor * body) if body > UNCOUNTED_BYTES else 0)


def bound_of(path: str, largest: int) -> Bound:
    """Tell what a request may bring.

    Parameters
    ----------
    path
        Of the request.
    largest
        Bytes of the largest body of pictures.
    """
    if path == "/predict":
        return Bound(largest)
    if path.startswith("/v2/models/") and path.endswith("/infer"):
        return Bound(largest, unpacks=True)
    if path == "/analysis/regression":
        most = min(largest, REGRESSION_BYTES)
        return Bound(most, factor=10, fixed=ANALYSIS_BYTES, values=REGRESSION_VALUES)
    if path == "/analysis/gradient-check":
        return Bound(min(largest, ORDINARY_BYTES), fixed=2 * LAYERS_BYTES)
    if path.startswith("/analysis/"):
        return Bound(min(largest, POINTS_BYTES), fixed=ANALYSIS_BYTES)
    if path.endswith(("/histograms", "/first-layer", "/first-layer.png")):
        return Bound(min(largest, ORDINARY_BYTES), fixed=LAYERS_BYTES)
    return Bound(min(largest, ORDINARY_BYTES))


def too_large(bound: Bound) -> RequestEntityTooLarge:
    """Make the error of a body that is too large."""
    return RequestEntityTooLarge(f"The body may have at most {bound.body:,} bytes here.")


def register(app: Flask, settings: ServiceSettings) -> None:
    """Refuse what is out of bounds, whether or not `front` has read the body yet."""

    @app.before_request
    def check() -> None:
        if REFUSAL in request.environ:
            if request.environ[REFUSAL] is not None:
                raise request.environ[REFUSAL]
        else:
            bound = bound_of(request.path, settings.max_body_bytes)
            request.max_content_length = bound.body
            if (request.content_length or 0) > bound.body:
                raise too_large(bound)
        stop_if_left()
