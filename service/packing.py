"""Pack what is read for show. Predictions stay as they are: there, time counts for more."""

import gzip

from flask import Flask, Response, request

KINDS = ("application/json", "text/html")
WORTH_BYTES = 1000


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
