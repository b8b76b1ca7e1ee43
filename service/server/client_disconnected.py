"""Stop the work on a request when its client disconnects."""

from contextvars import ContextVar
from threading import Event

from werkzeug.exceptions import ClientDisconnected


class DisconnectedError(Exception):
    """The client has disconnected before its request was complete."""


_disconnected: ContextVar[Event | None] = ContextVar("disconnected", default=None)


def watch(disconnected: Event) -> None:
    """Make `raise_if_disconnected` check this event in the current context."""
    _disconnected.set(disconnected)


def raise_if_disconnected() -> None:
    """Raise ClientDisconnected if the client has disconnected. Call this between steps of work."""
    disconnected = _disconnected.get()
    if disconnected is not None and disconnected.is_set():
        raise ClientDisconnected
