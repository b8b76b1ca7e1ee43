"""Find the running jobs that have stopped reporting, for example because their machine died."""

from collections.abc import Iterable

from jobs.watch import Death

LEASE_CHECKS = 10  # one per second; a training reports twice per second


class Leases:
    """Detects expired leases from the beats of the running jobs.

    A lease expires when `LEASE_CHECKS` checks in a row have found the beat unchanged. It does not
    depend on a clock, so setting a clock has no effect. While Redis or the reaper is down, there
    are no checks, so no lease expires.

    A few workers have places, and watch the leases. If rounds take longer than a place lasts
    without a heartbeat, the places go round all workers, and nobody has one ten times in a row. So
    a worker that has lost its place goes on for as many rounds as an expiry takes.
    """

    def __init__(self) -> None:
        self._checks: dict[tuple[str, str, str], int] = {}
        self._rounds = 0  # in which it still checks them

    @property
    def watched(self) -> bool:
        """Whether this worker checks the leases in its next round."""
        return self._rounds > 0

    def watch(self, *, has_place: bool) -> None:
        """End a round, in which the worker was told whether it has a place."""
        self._rounds = LEASE_CHECKS + 1 if has_place else max(0, self._rounds - 1)
        if not self.watched:
            self.reset()

    def expired(self, beats: Iterable[tuple[str, str, str]]) -> list[Death]:
        """Check the running jobs once; return those whose lease has expired.

        Parameters
        ----------
        beats
            (job, fence, beat) of each running job.
        """
        self._checks = {beat: self._checks.get(beat, -1) + 1 for beat in beats}
        return [
            Death(job, fence, "lease", beat)
            for (job, fence, beat), checks in self._checks.items()
            if checks >= LEASE_CHECKS
        ]

    def reset(self) -> None:
        """Start counting again, for example because Redis was away, so that no job could report."""
        self._checks = {}
