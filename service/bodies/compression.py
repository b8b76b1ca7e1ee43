"""Pack what is read for show. Predictions stay as they are: there, time counts for more.

What comes packed is unpacked where that is said to be taken, never to more than a body may have.
"""

import gzip
import zlib

from flask import Flask, Response, request
from werkzeug.exceptions import BadRequest, RequestEntityTooLarge, UnsupportedMediaType

KINDS = ("application/json", "text/html")
WORTH_BYTES = 1000
FORMATS = {"gzip": 16 + zlib.MAX_WBITS, "deflate": zlib.MAX_WBITS}  # as zlib numbers them


def register(app: Flask) -> None:
    """Pack JSON and HTML that is asked for by GET, and analyses."""

    @app.after_request
    def pack(response: Response) -> Response:
        read = request.method == "GET" or request.path.startswith("/analysis/")
        if not read or response.mimetype not in KINDS or response.is_streamed:
            return response
        response.vary.add("Accept-Encoding")
        taken = request.accept_encodings.quality("gzip") > 0
        if taken and (response.content_length or 0) >= WORTH_BYTES:
            response.set_data(gzip.compress(response.get_data(), 5, mtime=0))
            response.headers["Content-Encoding"] = "gzip"
        return response


def unpack(body: bytes, encoding: str, most: int) -> bytes:
    """Unpack a body that came by `Content-Encoding: gzip` or `deflate`.

    Parameters
    ----------
    body
        The body as it came.
    encoding
        The header; empty where there is none.
    most
        Bytes that it may have at most; no more are ever unpacked.

    Raises
    ------
    UnsupportedMediaType, BadRequest, RequestEntityTooLarge
        The encoding is another, the body is not packed so, or is too large.
    """
    if not encoding:
        return body
    if encoding not in FORMATS:
        raise UnsupportedMediaType(f"Content-Encoding must be {' or '.join(FORMATS)}.")
    unpacker = zlib.decompressobj(FORMATS[encoding])
    try:
        unpacked = unpacker.decompress(body, most + 1)
    except zlib.error as error:
        raise BadRequest(f"The body is no {encoding}: {error}") from None
    if len(unpacked) > most:
        raise RequestEntityTooLarge(f"Unpacked, the body may have {most:,} bytes at most.")
    if not unpacker.eof or unpacker.unused_data:
        raise BadRequest(f"The body is no {encoding}: it ends too early, or too late.")
    return unpacked
