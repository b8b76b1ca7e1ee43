"""Figures about the queue and the workers, for ``GET /metrics``."""

from typing import Any, NamedTuple, Self, get_args

from jobs.reader import described
from jobs.record import FINAL, Status
from jobs.watch import Cause

CAUSES = get_args(Cause)


class Epochs(NamedTuple):
    """The epochs that one engine has trained.

    Attributes
    ----------
    buckets
        Cumulative histogram: pairs of an upper bound in seconds, as text, and the number of
        epochs that took at most that long. The last bound is ``+Inf``.
    seconds
        Total training time, in seconds.
    samples
        Total number of samples; a sample counts once per epoch.
    pace
        Samples per second in the last epoch.
    """

    buckets: list[tuple[str, float]]
    seconds: float
    samples: float
    pace: float


class Measures(NamedTuple):
    """The state of the queue at one moment, and the counters since the first job.

    Attributes
    ----------
    jobs
        Number of jobs by status.
    queued
        Number of queued jobs by class (see ``jobs.routing``).
    submitted
        Number of jobs accepted so far.
    oldest_age_s
        Seconds since the oldest queued job was submitted; 0 if no job is queued.
    workers
        Number of workers with a recent heartbeat.
    stalled
        Number of these workers that have stalled.
    draining
        Number of these workers that take no more jobs, because they were told to drain.
    recoveries
        How often a running job went back to the queue, by cause (see ``jobs.watch.Cause``).
    epochs
        The trained epochs of each engine that has trained at least one.
    webhooks
        Number of attempts to deliver a webhook, by outcome.
    pending_webhooks
        Number of deliveries with a first or a further attempt to come.
    dead_webhooks
        Number of deliveries that were given up.
    """

    jobs: dict[Status, int]
    queued: dict[str, int]
    submitted: int
    oldest_age_s: float
    workers: int
    stalled: int
    draining: int
    recoveries: dict[str, int]
    epochs: dict[str, Epochs]
    webhooks: dict[str, int]
    pending_webhooks: int
    dead_webhooks: int

    @classmethod
    def from_answer(cls, answer: list[Any]) -> Self:
        """Parse the return value of ``measure.lua``."""
        classes, running, age, descriptions, flat, draining, pending = answer
        workers = described(descriptions, draining)
        queued = dict(zip(classes[::2], map(int, classes[1::2]), strict=True))
        counts = dict(zip(flat[::2], map(float, flat[1::2]), strict=True))
        return cls(
            jobs={
                "queued": sum(queued.values()),
                "running": running,
                **{status: int(counts.get(f"finished:{status}", 0)) for status in sorted(FINAL)},
            },
            queued=queued,
            submitted=int(counts.get("submitted", 0)),
            oldest_age_s=float(age),
            workers=len(workers),
            stalled=sum(worker.get("stalled") is not None for worker in workers),
            draining=sum(worker["draining"] for worker in workers),
            recoveries={cause: int(counts.get(f"recoveries:{cause}", 0)) for cause in CAUSES},
            epochs={
                engine: _epochs(counts, f"epochs:{engine}:")
                for engine in sorted({name.split(":")[1] for name in counts if "epochs:" in name})
            },
            webhooks={
                outcome: int(counts.get(f"webhooks:{outcome}", 0))
                for outcome in ("delivered", "failed")
            },
            pending_webhooks=pending,
            dead_webhooks=int(counts.get("webhooks:dead", 0)),
        )


def _epochs(counts: dict[str, float], prefix: str) -> Epochs:
    buckets = [
        (name.removeprefix(f"{prefix}le:"), number)
        for name, number in counts.items()
        if name.startswith(f"{prefix}le:")
    ]
    return Epochs(
        buckets=sorted(buckets, key=lambda bucket: float(bucket[0])),
        seconds=counts[f"{prefix}seconds"],
        samples=counts[f"{prefix}samples"],
        pace=counts.get(f"{prefix}pace", 0.0),
    )
