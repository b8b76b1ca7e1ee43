"""The bodies that are streamed to a file, as a view that declares `Bound(to_file=…)` sees them.

A JSON body never is: the view gets it as other views do, and must reject it if it takes none. For
all other bodies, Flask calls the view twice:

1. Before the body is read. The view makes all checks that need no body. A response with an error is
   sent at once. Otherwise the view returns `to_receive(job, owner)`.
2. When the body is complete. The view gets it from `received_file()`, and keeps it. A file that the
   view does not keep is removed.
"""

from flask import Response, request

from stepbox.store.uploads import Receiving

RECEIVE = "Stepbox-Receive"  # header from Flask's view to the server: job and owner of the file
UPLOAD = "stepbox.upload"  # key in the WSGI environment: the received file


def to_receive(job: str, owner: str | None) -> Response:
    """Make the response that lets the server receive the body into the file of a job."""
    return Response(headers={RECEIVE: f"{job} {owner or ''}"})


def received_file() -> Receiving | None:
    """Return the body of the current request, or None if it is not yet received."""
    file: Receiving | None = request.environ.get(UPLOAD)
    return file
