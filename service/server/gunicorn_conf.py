"""The settings of gunicorn."""
# ruff: noqa: E402 - the two settings at the top must come before the imports

import gc
import os
import sys

gc.disable()  # while modules are imported: garbage collection costs 10 % of startup
# NumPy reads this when it loads. BLAS threads of several processes would slow each other down.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import logging
from logging.config import dictConfig
from typing import Any

from gunicorn import glogging

from jobs.logs import logging_config
from jobs.startup import check_store, imports

with imports():
    from jobs.connection import find_fault
    from service.access.tokens import warn_if_open
    from service.metrics import tally
    from service.server import listener
    from service.server.connections import open_more_files
    from service.server.worker_process import hold_stop_signals_while_forking
    from service.settings import ServiceSettings
    from stepbox.memory import give_back_large_blocks

_settings = ServiceSettings.from_environment()

bind = _settings.address
worker_class = "service.server.worker_process.Worker"
workers = _settings.processes
preload_app = True  # worker processes share the memory of imported modules
worker_tmp_dir = "/dev/shm"  # in memory, so that heartbeats never wait for a disk
graceful_timeout = 30  # s for requests in progress; event streams end at once
keepalive = 5
control_socket_disable = True
logging.captureWarnings(True)


class logger_class(glogging.Logger):  # type: ignore[misc] # noqa: N801
    """Log in the same format as the application."""

    def setup(self, cfg: Any) -> None:
        """Replace gunicorn's own handlers."""
        super().setup(cfg)
        dictConfig(logging_config(_settings.log_format))


def on_starting(server: Any) -> None:
    """Check who has access, and prepare what the worker processes inherit."""
    warn_if_open(_settings)
    check_store(_settings)
    if fault := find_fault(_settings):  # predictions need no Redis, so they are served
        logging.getLogger(__name__).error(fault)
    tally.make_folder()
    open_more_files()
    give_back_large_blocks()
    sys.setswitchinterval(0.001)  # s; a busy thread lets the event loop run after this time
    hold_stop_signals_while_forking()
    gc.freeze()  # so that garbage collection does not write to the memory that processes share
    gc.set_threshold(50_000)  # parsing a JSON body may create tens of thousands of lists
    gc.enable()


def on_reload(server: Any) -> None:
    """Enable garbage collection, which this file disables each time it is read."""
    gc.enable()


def pre_fork(server: Any, worker: Any) -> None:
    """Take a place for the worker process in the table of connections (see `listener`)."""
    worker.place = listener.take_place()


def child_exit(server: Any, worker: Any) -> None:
    """Free the place of a worker process that has ended."""
    listener.free_place(worker.place)


def on_exit(server: Any) -> None:
    """Remove the counts. Counters may restart at 0: Prometheus handles this."""
    tally.remove_folder()
