"""Turns at changing the documents of a bucket."""

from typing import Protocol


class Turns(Protocol):
    """Gives a turn to one process at a time. `jobs.changes` keeps the turns in Redis."""

    def take(self, floor: int) -> "Turn":
        """Wait for a turn.

        Parameters
        ----------
        floor
            The number of the turn is higher than this one, and than those of all earlier turns.

        Raises
        ------
        UnavailableError
            No turn can be had now.
        """
        ...


class Turn(Protocol):
    """A turn, which others wait for."""

    @property
    def number(self) -> int:
        """See `Turns.take`."""
        ...

    def end(self) -> bool:
        """End the turn; return whether it had lasted until now."""
        ...
