"""Whether the client of the present request is still there: no work is done for one that left."""

from contextvars import ContextVar
from threading import Event

from werkzeug.exceptions import ClientDisconnected

_left: ContextVar[Event | None] = ContextVar("left", default=None)


def work_for(left: Event) -> None:
    """Work in this context for a client until it has left."""
    _left.set(left)


def stop_if_left() -> None:
    """Raise ClientDisconnected where the client has left; to be called between pieces of work."""
    left = _left.get()
    if left is not None and left.is_set():
        raise ClientDisconnected
