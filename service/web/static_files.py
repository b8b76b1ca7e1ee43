"""The files that the pages load, kept in memory, packed, and named by their content."""

import gzip
import hashlib
import mimetypes
from functools import cache
from pathlib import Path
from typing import NamedTuple

from flask import Flask, Response, request
from werkzeug.exceptions import NotFound

FOLDER = Path(__file__).parent / "static"
SUFFIXES = (".css", ".js", ".svg")
YEAR_S = 31_536_000


class StaticFile(NamedTuple):
    """A file's content, as it is and packed."""

    kind: str
    plain: bytes
    packed: bytes


def register(app: Flask, folder: Path = FOLDER) -> None:
    """Serve the folder under /static/VERSION/, and let templates name its files by `static`.

    The version stands for the content of all files. So modules name each other by relative
    paths, and a browser may keep them for good.
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
    def load(name: str) -> StaticFile:
        plain = paths[name].read_bytes()
        kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
        return StaticFile(f"{kind}; charset=utf-8", plain, gzip.compress(plain, 9, mtime=0))

    @app.route("/static/<asked>/<path:name>")
    def static_file(asked: str, name: str) -> Response:
        if name not in paths:
            raise NotFound(f"there is no {name!r} among the pages' files")
        file = load(name)
        packed = request.accept_encodings.quality("gzip") > 0
        response = Response(file.packed if packed else file.plain, content_type=file.kind)
        if packed:
            response.headers["Content-Encoding"] = "gzip"
        response.headers["Vary"] = "Accept-Encoding"
        kept = asked == version
        response.headers["Cache-Control"] = (
            f"public, max-age={YEAR_S}, immutable" if kept else "no-cache"
        )
        return response

    @app.template_global()
    def static(name: str) -> str:
        """Address of a file."""
        return f"/static/{version}/{name}"
