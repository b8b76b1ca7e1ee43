"""The static files of the pages: cached in memory, gzipped, and versioned by their content."""

import gzip
import hashlib
import mimetypes
from functools import cache
from pathlib import Path

from flask import Flask, Response, request
from werkzeug.exceptions import NotFound

FOLDER = Path(__file__).parent / "static"
SUFFIXES = (".css", ".js", ".svg")
YEAR_S = 31_536_000


def register(app: Flask, folder: Path = FOLDER) -> None:
    """Serve the folder under /static/VERSION/, and add the template function `static`.

    The version is a hash of all files, so browsers may cache them forever. Relative imports between
    modules stay in the same version.
    """
    paths = {
        path.relative_to(folder).as_posix(): path
        for path in sorted(folder.rglob("*"))
        if path.suffix in SUFFIXES
    }
    everything = hashlib.sha256()
    for name, path in paths.items():
        everything.update(name.encode() + hashlib.sha256(path.read_bytes()).digest())
    version = everything.hexdigest()[:12]

    @cache
    def load(name: str) -> tuple[bytes, bytes]:
        plain = paths[name].read_bytes()
        return plain, gzip.compress(plain, 9, mtime=0)

    @app.route("/static/<requested>/<path:name>")
    def static_file(requested: str, name: str) -> Response:
        if name not in paths:
            raise NotFound(f"there is no static file {name!r}")
        plain, gzipped = load(name)
        kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
        accepted = request.accept_encodings.quality("gzip") > 0
        body = gzipped if accepted else plain
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
        return f"/static/{version}/{name}"
