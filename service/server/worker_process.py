"""The worker process of gunicorn: uvicorn with this package's event loop and protocol."""

import os
import signal
from typing import Any

from uvicorn_worker import UvicornWorker

from service.server.protocol import Protocol

STOP_SIGNALS = {signal.SIGINT, signal.SIGQUIT, signal.SIGTERM}


def hold_stop_signals_while_forking() -> None:
    """Block the stop signals while a process forks, so that its child does not lose one.

    Right after the fork, the child still has the parent's handlers, which would drop the signal.
    The shutdown would then wait `graceful_timeout` for the child. `Worker.init_signals` unblocks
    the signals.
    """
    os.register_at_fork(
        before=lambda: signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS),
        after_in_parent=lambda: signal.pthread_sigmask(signal.SIG_UNBLOCK, STOP_SIGNALS),
    )


class Worker(UvicornWorker):  # type: ignore[misc]
    """A worker process. It ignores headers that claim a client's address."""

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
