"""The values that a worker's reaper and the job store exchange."""

from typing import Literal, NamedTuple, Self

from jobs.routing import SCHEMA, schema_of

# Why a running job goes back to the queue: its process died or trains on another device than the
# job requires, the kernel killed its process because memory ran out, its worker shut down, its
# worker could not use the store, or its lease expired.
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
        How the job was lost. Every cause except ``stop`` counts as a death of the job; ``store``
        does if the store has refused something (see `ClaimStore.give_back`).
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
        Number of tokens that the queue of each class lacks: queued jobs minus tokens.
    waiting
        Number of queued jobs that this worker may run.
    newer
        Number of queued jobs that it does not understand, because a later version submitted them.
    runs_last_claim
        Whether this worker runs the job of its last claim.
    claimed
        This worker's last claim, as ``job:fence``; empty before the first.
    draining
        Whether this worker may take no job.
    watching
        Whether this worker is one of those that watch the leases.
    """

    lacking: dict[str, int]
    waiting: int
    newer: int
    runs_last_claim: bool
    claimed: str
    draining: bool = False
    watching: bool = False

    @classmethod
    def from_answer(
        cls, answer: tuple[list[tuple[str, int, int]], int, str, int, int], taken: list[str]
    ) -> Self:
        """Parse the return value of ``reap.lua``, for a worker that takes these classes."""
        queues, runs_last_claim, claimed, draining, watching = answer
        return cls(
            lacking={name: lacking for name, _, lacking in queues if lacking > 0},
            waiting=sum(queued for name, queued, _ in queues if name in taken),
            newer=sum(queued for name, queued, _ in queues if schema_of(name) > SCHEMA),
            runs_last_claim=bool(runs_last_claim),
            claimed=claimed,
            draining=bool(draining),
            watching=bool(watching),
        )
