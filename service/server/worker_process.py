"""The worker process of gunicorn: uvicorn with this package's event loop and protocol."""

import os
import signal
from typing import Any

from uvicorn_worker import UvicornWorker

from service.server.protocol import Protocol

STOP_SIGNALS = {signal.SIGINT, signal.SIGQUIT, signal.SIGTERM}


def hold_stop_signals_while_forking() -> None:
    """Block the stop signals while a process forks, so that its child does not lose one.

    The child still has its parent's handlers then, which would drop the signal, and the shutdown
    would wait `graceful_timeout` for the child. `Worker.init_signals` unblocks the signals.
    """
    os.register_at_fork(
        before=lambda: signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS),
        after_in_parent=lambda: signal.pthread_sigmask(signal.SIG_UNBLOCK, STOP_SIGNALS),
    )


class Worker(UvicornWorker):  # type: ignore[misc]
    """A worker process. It never takes a client's address from a header."""

    CONFIG_KWARGS: dict[str, Any] = {  # noqa: RUF012 - the base class declares it this way
        "loop": "service.server.listener:Loop",
        "http": Protocol,
        "ws": "none",
        "lifespan": "on",
        "access_log": False,
        "proxy_headers": False,
        "server_header": False,
    }

    def init_signals(self) -> None:
        """Replace the parent's signal handlers, then unblock the stop signals."""
        super().init_signals()
        signal.pthread_sigmask(signal.SIG_UNBLOCK, STOP_SIGNALS)
