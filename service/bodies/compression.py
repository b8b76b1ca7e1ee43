"""Gzip responses that people read, and decompress request bodies.

Predictions are not compressed unless they are explained, because their clients need speed more than
small responses.
"""

import gzip
import zlib

from flask import Flask, Response, request
from werkzeug.exceptions import BadRequest, RequestEntityTooLarge, UnsupportedMediaType

TYPES = ("application/json", "text/html")
MIN_BYTES = 1000  # smaller responses gain nothing
WINDOW_BITS = {"gzip": 16 + zlib.MAX_WBITS, "deflate": zlib.MAX_WBITS}  # by encoding


def register(app: Flask) -> None:
    """Gzip JSON and HTML in responses to GET requests, analyses and explained predictions."""

    @app.after_request
    def compress(response: Response) -> Response:
        is_read = (
            request.method == "GET"
            or request.path.startswith("/analysis/")
            or "explain" in request.args
        )
        if not is_read or response.mimetype not in TYPES or response.is_streamed:
            return response
        response.vary.add("Accept-Encoding")
        accepted = request.accept_encodings.quality("gzip") > 0
        if accepted and (response.content_length or 0) >= MIN_BYTES:
            response.set_data(gzip.compress(response.get_data(), 5, mtime=0))
            response.headers["Content-Encoding"] = "gzip"
        return response


def decompress(body: bytes, encoding: str, max_bytes: int) -> bytes:
    """Decompress a request's body.

    Parameters
    ----------
    body
        The body as received.
    encoding
        Its Content-Encoding, `gzip` or `deflate`. Empty if it is not compressed.
    max_bytes
        Largest size of the decompressed body. Decompression stops there.

    Raises
    ------
    UnsupportedMediaType, BadRequest, RequestEntityTooLarge
        The encoding is unknown, the body does not match it, or the body is too large.
    """
    encoding = encoding.strip().lower()
    if not encoding:
        return body
    if encoding not in WINDOW_BITS:
        raise UnsupportedMediaType(f"Content-Encoding must be {' or '.join(WINDOW_BITS)}.")
    decompressor = zlib.decompressobj(WINDOW_BITS[encoding])
    try:
        decompressed = decompressor.decompress(body, max_bytes + 1)
    except zlib.error as error:
        raise BadRequest(f"The body is not valid {encoding}: {error}") from None
    if len(decompressed) > max_bytes:
        raise RequestEntityTooLarge(f"Decompressed, the body may have at most {max_bytes:,} bytes.")
    if not decompressor.eof or decompressor.unused_data:
        raise BadRequest(f"The body is not valid {encoding}: it is cut off, or has data after it.")
    return decompressed
