"""How gunicorn serves the API."""

from typing import Any

from service.access import warn_if_open
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
