"""Read many objects at the same time."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from stepbox.errors import UnavailableError
from stepbox.store.objects import from_memory

T = TypeVar("T")
R = TypeVar("R")


def outcomes(
    function: Callable[[T], R], items: Iterable[T], at_once: int
) -> Iterator[tuple[T, R | Exception]]:
    """Call a function with each item; yield, in order, the item and the result or the exception.

    Parameters
    ----------
    function
        Threads call it, unless it can answer `from_memory`, or `at_once` is 1.
    items
        At most twice `at_once` of them wait for their outcomes.
    at_once
        Most calls at the same time.
    """

    def outcome(item: T) -> R | Exception:
        try:
            return function(item)
        except Exception as error:
            return error

    if at_once == 1:
        for item in items:
            yield item, outcome(item)
        return
    pending: deque[tuple[T, R | Exception | Future[R | Exception]]] = deque()
    with ThreadPoolExecutor(at_once) as pool:
        for item in items:
            with from_memory():
                found: R | Exception | Future[R | Exception] = outcome(item)
            if isinstance(found, UnavailableError):
                found = pool.submit(outcome, item)
            pending.append((item, found))
            if len(pending) == 2 * at_once:
                yield _waited_for(*pending.popleft())
        for item, found in pending:
            yield _waited_for(item, found)


def _waited_for(item: T, found: R | Exception | Future[R | Exception]) -> tuple[T, R | Exception]:
    return item, found.result() if isinstance(found, Future) else found
