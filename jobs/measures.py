"""What the queue and all workers come to, in numbers."""

import json
from typing import Any, NamedTuple, Self

from jobs.record import FINAL, Status

CAUSES = ("process", "memory", "stop", "lease")


class Epochs(NamedTuple):
    """The epochs that one engine has trained.

    Attributes
    ----------
    buckets
        (bound in seconds, as text; epochs of at most that long), the last bound being ``+Inf``.
    seconds, samples
        Their sums; a sample counts once an epoch.
    pace
        Samples per second of the last epoch.
    """

    buckets: list[tuple[str, float]]
    seconds: float
    samples: float
    pace: float


class Measures(NamedTuple):
    """The jobs at one moment, and what has been counted since the first.

    Attributes
    ----------
    jobs
        Jobs by status.
    submitted
        Jobs that were ever accepted.
    oldest_age_s
        Seconds since the oldest waiting job was submitted; 0 where none waits.
    workers
        Workers that were heard of in the last seconds.
    stalled
        Those of them that take no jobs.
    recoveries
        Jobs that were taken back, by cause: their process died, was killed as memory was full, or
        stopped, or their lease ended.
    epochs
        By engine; an engine that has not trained an epoch yet is left out.
    """

    jobs: dict[Status, int]
    submitted: int
    oldest_age_s: float
    workers: int
    stalled: int
    recoveries: dict[str, int]
    epochs: dict[str, Epochs]

    @classmethod
    def from_answer(cls, answer: list[Any]) -> Self:
        """Read what ``measure.lua`` returns."""
        waiting, running, age, workers, flat = answer
        counts = dict(zip(flat[::2], map(float, flat[1::2]), strict=True))
        return cls(
            jobs={
                "queued": waiting,
                "running": running,
                **{status: int(counts.get(f"finished:{status}", 0)) for status in sorted(FINAL)},
            },
            submitted=int(counts.get("submitted", 0)),
            oldest_age_s=float(age),
            workers=len(workers),
            stalled=sum(json.loads(about).get("stalled") is not None for about in workers),
            recoveries={cause: int(counts.get(f"recoveries:{cause}", 0)) for cause in CAUSES},
            epochs={
                engine: _epochs(counts, f"epochs:{engine}:")
                for engine in sorted({name.split(":")[1] for name in counts if "epochs:" in name})
            },
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
