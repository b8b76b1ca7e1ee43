"""How much memory the requests under way may take together."""

import asyncio
from collections import deque
from typing import Self

from stepbox.errors import StepboxError

PATIENCE_S = 2.0  # at most to wait for what others hold


class BusyError(StepboxError):
    """Other requests hold the memory that this one needs."""


class Budget:
    """A number of bytes that the requests of a process share; used by its event loop alone.

    Parameters
    ----------
    size
        Bytes in all.
    """

    def __init__(self, size: int) -> None:
        self._size = self._free = size
        self._waiting: deque[tuple[int, asyncio.Future[None]]] = deque()

    async def take(self, amount: int) -> None:
        """Take bytes, in the order of asking; raises BusyError where that lasts too long."""
        if amount <= self._free and not self._waiting:
            self._free -= amount
            return
        turn = asyncio.get_running_loop().create_future()
        place = amount, turn
        self._waiting.append(place)
        try:
            await asyncio.wait_for(asyncio.shield(turn), PATIENCE_S)
        except BaseException as error:
            if turn.done():  # taken just now
                self._free += amount
            else:
                self._waiting.remove(place)
            self._serve()
            if isinstance(error, TimeoutError):
                raise BusyError("Other large requests are under way; try again later.") from None
            raise

    def give(self, amount: int) -> None:
        """Give bytes back."""
        self._free += amount
        self._serve()

    def _serve(self) -> None:
        while self._waiting and self._waiting[0][0] <= self._free:
            amount, turn = self._waiting.popleft()
            self._free -= amount
            turn.set_result(None)

    def limit(self, amount: int) -> int:
        """Tell how much of an amount can be had at all."""
        return min(amount, self._size)


class Share:
    """What one request holds of a budget; used as a context, which gives it back.

    Parameters
    ----------
    budget
        The budget.

    Attributes
    ----------
    held
        Bytes.
    """

    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        self.held = 0

    async def grow(self, total: int) -> None:
        """Hold as many bytes as given, or all there are; raises BusyError as `Budget.take`."""
        more = self._budget.limit(total) - self.held
        if more > 0:
            await self._budget.take(more)
            self.held += more

    def shrink(self, total: int) -> None:
        """Hold no more than so many bytes."""
        less = max(0, self.held - total)
        self._budget.give(less)
        self.held -= less

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.shrink(0)
