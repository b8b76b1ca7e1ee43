"""Which running jobs are silent: those whose process may be on a machine that is gone."""

from collections.abc import Iterable

from jobs.watch import Death

LEASE_LOOKS = 10  # without a new beat, a second apart; a training makes two a second


class Leases:
    """What a watch has seen of the running jobs.

    A lease is counted in looks that found Redis, not in time: no clock can be set back, and while
    Redis or the watch is away none passes.
    """

    def __init__(self) -> None:
        self._looks: dict[tuple[str, str, str], int] = {}

    def ended(self, beats: Iterable[tuple[str, str, str]]) -> list[Death]:
        """Take one look, at (job, fence, beat) of the running jobs; list those that are silent."""
        self._looks = {beat: self._looks.get(beat, -1) + 1 for beat in beats}
        return [
            Death(job, fence, "lease", beat)
            for (job, fence, beat), looks in self._looks.items()
            if looks >= LEASE_LOOKS
        ]

    def begin_anew(self) -> None:
        """Forget all: Redis was away, so nobody could report."""
        self._looks = {}
