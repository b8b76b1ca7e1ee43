"""Limit the memory that all requests in progress take together."""

import asyncio
from typing import Self

from service.errors import BusyError

PATIENCE_S = 2.0  # longest wait for the memory that other requests hold


class Budget:
    """An amount that the requests of a process share, such as bytes of memory.

    Only the event loop of the process may call its methods. `Front` has one budget of bytes, and
    one of requests that decode images at the same time.

    Parameters
    ----------
    size
        The total amount.
    """

    def __init__(self, size: int) -> None:
        self.size = self._free = size
        self._first = asyncio.Lock()  # held by the first in the queue
        self._given = asyncio.Event()

    async def take(self, amount: int) -> None:
        """Take an amount, in order of the calls. Raise BusyError after `PATIENCE_S`."""
        try:
            async with asyncio.timeout(PATIENCE_S), self._first:
                while amount > self._free:
                    self._given.clear()
                    await self._given.wait()
                self._free -= amount
        except TimeoutError:
            raise BusyError("Other large requests are in progress; try again later.") from None

    def give(self, amount: int) -> None:
        """Return an amount."""
        self._free += amount
        self._given.set()


class Share:
    """The amount of a budget that one request holds. As a context manager, it returns it at exit.

    Parameters
    ----------
    budget
        The budget.

    Attributes
    ----------
    held
        The amount.
    """

    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        self.held = 0

    async def grow(self, total: int) -> None:
        """Hold at least min(`total`, `Budget.size`). Raise BusyError as `take` does."""
        more = min(total, self._budget.size) - self.held
        if more > 0:
            await self._budget.take(more)
            self.held += more

    def shrink(self, total: int) -> None:
        """Hold at most `total`."""
        less = max(0, self.held - total)
        self._budget.give(less)
        self.held -= less

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.shrink(0)
