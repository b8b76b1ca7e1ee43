"""The values that a worker's reaper and the job store exchange."""

from typing import Literal, NamedTuple

# Why a running job goes back to the queue: its process died, the kernel killed its process because
# memory ran out, its worker shut down, its worker could not reach the store, or its lease expired.
Cause = Literal["process", "memory", "stop", "store", "lease"]


class Death(NamedTuple):
    """A running job whose process is dead, or whose lease has expired.

    Attributes
    ----------
    job
        Id of the job.
    fence
        Fence of the lost attempt.
    cause
        How the job was lost. Every cause except ``stop`` and ``store`` counts as a death of the
        job.
    beat
        For an expired lease, the last beat that was seen; otherwise empty. If the job has another
        beat by now, its worker is alive, and the job keeps running.
    """

    job: str
    fence: str
    cause: Cause = "process"
    beat: str = ""


class QueueState(NamedTuple):
    """The state of the queue, as a worker's reaper sees it.

    Attributes
    ----------
    lacking
        Number of tokens that the queue lacks: queued jobs minus tokens.
    waiting
        Number of queued jobs.
    running
        Number of jobs that this worker runs.
    claimed
        This worker's last claim, as ``job:fence``; empty before the first.
    draining
        Whether this worker may take no job.
    """

    lacking: int
    waiting: int
    running: int
    claimed: str
    draining: bool = False
