"""How gunicorn serves the API."""

import json
from typing import Any

from gunicorn import util

from service.access import warn_if_open
from service.errors import title
from service.settings import ServiceSettings

_settings = ServiceSettings()

bind = f"{_settings.host}:{_settings.port}"
worker_class = "gthread"  # an open event stream must not keep a process from answering
workers = _settings.processes
threads = _settings.threads
worker_tmp_dir = "/dev/shm"  # heartbeats never wait for a disk
graceful_timeout = 5  # an open event stream ends by this; its client comes back
keepalive = 5
control_socket_disable = True


def on_starting(server: Any) -> None:
    """Say who can get in."""
    warn_if_open(_settings)


def _write_problem(sock: Any, status: int, reason: str, message: str) -> None:
    """Answer what is no HTTP, or has too long a line, by a problem too: gunicorn's own is HTML."""
    name = title(status)
    body = json.dumps({"type": "about:blank", "title": name, "status": status, "detail": message})
    head = f"HTTP/1.1 {status} {name}\r\nConnection: close\r\n"
    head += f"Content-Type: application/problem+json\r\nContent-Length: {len(body)}\r\n\r\n"
    util.write_nonblock(sock, (head + body).encode("ascii"))


util.write_error = _write_problem
