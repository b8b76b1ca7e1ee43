"""When the API returns which error, in words for the page of the API."""

from typing import Any

# For each status, the reasons for it. `docs/reference/api.md` has the same table.
REASONS = {
    "400": "the body is not what its content type says, or the request is not valid HTTP",
    "401": "the request has no token, or an unknown one",
    "403": "the token may not do this, or a page of another site sent the request",
    "404": "the path, or something that it names, does not exist",
    "405": "the path does not support the method; the header Allow lists those that it supports",
    "408": "the request comes too slowly",
    "409": "the current state does not allow this; the detail says what is in the way",
    "413": "the body is too large",
    "414": "the path and the query are too long",
    "415": "the content type is not supported",
    "421": "the header Host is not a name of this server",
    "422": "a value is not allowed, or an image cannot be decoded",
    "429": "the queue is full, or a rate limit is reached; try again after Retry-After seconds",
    "431": "the headers are too large",
    "500": "an error of Stepbox, which its log describes",
    "501": "the transfer coding is not supported",
    "503": "Redis, a data set, the store or memory is not available",
    "507": "the disk, or the quota of all uploaded data sets, is full",
}
# The problem with the body {"recipe": "mnist-numpy", "epochs": 0} of POST /train.
EXAMPLE: dict[str, Any] = {
    "type": "about:blank",
    "title": "Unprocessable Content",
    "status": 422,
    "detail": "One value is not acceptable.",
    "instance": "/train",
    "errors": [{"pointer": "/epochs", "detail": "Enter a whole number from 1 to 1,000"}],
}
