"""Take turns, so that few requests with large bodies or large networks run at the same time."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import BoundedSemaphore, Lock

from service.errors import BusyError
from service.server.quick import QUICK_BYTES
from stepbox.nn.network import MOST_OUTPUTS_IN_BLOCK, Network

TURN_S = 2.0  # longest wait for a turn

_turn = Lock()
_large = BoundedSemaphore(2)  # a single sample can take 65 MB in each of them


@contextmanager
def in_turn(body: bytes) -> Iterator[None]:
    """Wait for a turn if the body is large, so that large bodies are predicted one after another.

    Threads that run Python code at the same time wait for each other at every image. One after
    another, they take half the time. After `TURN_S`, a body is predicted without a turn, so a slow
    body does not delay all others.
    """
    held = len(body) > QUICK_BYTES and _turn.acquire(timeout=TURN_S)
    try:
        yield
    finally:
        if held:
            _turn.release()


def is_large(network: Network) -> bool:
    """Return whether a network needs much memory even for a single sample."""
    return network.outputs > MOST_OUTPUTS_IN_BLOCK


@contextmanager
def with_memory_for(network: Network) -> Iterator[None]:
    """Wait for a turn if the network is large. Raise BusyError after `TURN_S`."""
    held = is_large(network)
    if held and not _large.acquire(timeout=TURN_S):
        raise BusyError("Other requests run such large networks; try again later.")
    try:
        yield
    finally:
        if held:
            _large.release()
