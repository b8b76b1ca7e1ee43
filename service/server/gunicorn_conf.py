"""How gunicorn serves the API."""
# ruff: noqa: E402 - what is imported must find the first two settings made

import gc
import os
import sys

gc.disable()  # what is imported stays: to look for garbage in it takes a tenth of the start
# NumPy reads it as it loads. Several processes' threads would wait for each other.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import logging
from logging.config import dictConfig
from typing import Any

from gunicorn import glogging

from jobs.logs import logging_config
from jobs.startup import imports

with imports():
    from service.access.authorization import warn_if_open
    from service.metrics import tally
    from service.server import listener
    from service.server.connections import open_more_files
    from service.server.protocol import hold_ending_while_forking
    from service.settings import ServiceSettings
    from stepbox.memory import give_back_large_blocks

_settings = ServiceSettings.from_environment()

bind = _settings.address
worker_class = "service.server.protocol.Worker"
workers = _settings.processes
preload_app = True  # processes share the memory of what is imported
worker_tmp_dir = "/dev/shm"  # heartbeats never wait for a disk
graceful_timeout = 30  # for requests in flight; event streams end at once
keepalive = 5
control_socket_disable = True
logging.captureWarnings(True)


class logger_class(glogging.Logger):  # type: ignore[misc] # noqa: N801
    """Logs as the application does; gunicorn's own setting for this logs every request too."""

    def setup(self, cfg: Any) -> None:
        """Take the handlers that gunicorn gave itself away."""
        super().setup(cfg)
        dictConfig(logging_config(_settings.log_format))


def on_starting(server: Any) -> None:
    """Say who can get in, let all processes count together, and let each hear of its end."""
    warn_if_open(_settings)
    tally.make_folder()
    open_more_files()
    give_back_large_blocks()
    sys.setswitchinterval(0.001)  # s: how long each busy thread makes the event loop wait
    hold_ending_while_forking()
    gc.freeze()  # no process writes to what all of them share
    gc.set_threshold(50_000)  # the pixels of a body of JSON are tens of thousands of lists
    gc.enable()


def on_reload(server: Any) -> None:
    """Look for garbage again: these settings, read anew, have just said not to."""
    gc.enable()


def pre_fork(server: Any, worker: Any) -> None:
    """Let the process have its share of the connections."""
    worker.place = listener.take_place()


def child_exit(server: Any, worker: Any) -> None:
    """Leave the process's share to the others."""
    listener.free_place(worker.place)


def on_exit(server: Any) -> None:
    """Forget the counts: Prometheus knows that they begin anew."""
    tally.remove_folder()
