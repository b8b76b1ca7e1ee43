"""What a worker's watch over the jobs tells the store, and what it finds there."""

from typing import Literal, NamedTuple

Cause = Literal["process", "memory", "stop", "lease"]


class Death(NamedTuple):
    """A running job whose process is dead, or silent for a lease's time.

    Attributes
    ----------
    job, fence
        The job, and its attempt.
    cause
        How it was lost; only a stop does not count against the job.
    beat
        Where it was silent: the last sign of life, which it must still be.
    """

    job: str
    fence: str
    cause: Cause = "process"
    beat: str = ""


class Look(NamedTuple):
    """What a worker's watch finds.

    Attributes
    ----------
    lacking
        Tokens that the queue lacks.
    waiting, running
        Jobs that wait, and those that this worker runs.
    claimed
        Names this worker's last claim; empty before the first.
    """

    lacking: int
    waiting: int
    running: int
    claimed: str
