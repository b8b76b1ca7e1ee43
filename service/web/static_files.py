"""The static files of the pages: kept in memory, gzipped, and versioned by their content."""

import gzip
import mimetypes
from functools import cache

from flask import Flask, Response, request
from werkzeug.exceptions import NotFound

from service.web.bundles import bundle

YEAR_S = 31_536_000
MAP_TYPE = "application/json"  # of source maps, which `mimetypes` does not know


def register(app: Flask) -> None:
    """Serve the static files under /static/VERSION/, and add the template function `static`.

    The version is a hash of all files, so browsers may cache them forever. Relative imports between
    modules stay in the same version.
    """
    folder = bundle()
    version = folder.name
    # Read everything now, because the next server to start after a change removes this folder.
    files = {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }

    @cache
    def gzipped(name: str) -> bytes:
        return gzip.compress(files[name], 9, mtime=0)

    @app.route("/static/<requested>/<path:name>")
    def static_file(requested: str, name: str) -> Response:
        if name not in files:
            raise NotFound(f"there is no static file {name!r}")
        kind = mimetypes.guess_type(name)[0] or MAP_TYPE
        accepted = request.accept_encodings.quality("gzip") > 0
        body = gzipped(name) if accepted else files[name]
        response = Response(body, content_type=f"{kind}; charset=utf-8")
        if accepted:
            response.headers["Content-Encoding"] = "gzip"
        response.headers["Vary"] = "Accept-Encoding"
        response.headers["Cache-Control"] = (
            f"public, max-age={YEAR_S}, immutable" if requested == version else "no-cache"
        )
        return response

    @app.template_global()
    def static(name: str) -> str:
        """Return the URL of a file."""
        if name not in files:
            raise FileNotFoundError(f"there is no static file {name!r}")
        return f"/static/{version}/{name}"
