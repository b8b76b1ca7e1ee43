"""The running jobs, for the reapers of the workers."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Any, cast
from zlib import crc32

from jobs.queue import QUEUE
from jobs.reader import WORKER_ALIVE_S, JobReader
from jobs.routing import FIRST_CLASS
from jobs.watch import Death, QueueState
from stepbox.errors import ConflictError, NotFoundError


class RunningJobs(JobReader):
    """Reads the running jobs, and requeues those that are lost."""

    def owners(
        self, beside: Mapping[str, Any] | None = None
    ) -> list[tuple[str, str, dict[str, Any]]]:
        """List (job, fence, owner) for each running job.

        With ``beside``, a process, the list has only those jobs that may run where it can see their
        processes. Version 0.2.0 does not say where a job runs, so its jobs are among them.
        """
        ranges: list[tuple[float | str, float | str]] = [("-inf", "+inf")]
        if beside is not None:
            ranges = [(score, score) for score in (0, lease_score(beside))]
        with self.redis.pipeline() as pipeline:
            for low, high in ranges:
                pipeline.zrangebyscore("jobs:leases", low, high)
            ids = [id for found in pipeline.execute() for id in found]
        return [(id, fence, json.loads(owner)) for id, fence, owner in self._read_of(ids, "owner")]

    def beats(self) -> list[tuple[str, str, str]]:
        """List (job, fence, beat) for each running job; a beat is the number of a report."""
        ids = cast(list[str], self.redis.zrange("jobs:leases", 0, -1))
        return self._read_of(ids, "beat", "0")

    def _read_of(
        self, ids: Sequence[str], field: str, default: str = ""
    ) -> list[tuple[str, str, str]]:
        """Read a field of running jobs, with their fences."""
        if not ids:
            return []
        with self.redis.pipeline() as pipeline:
            for id in ids:
                pipeline.hmget(f"job:{id}", ["fence", field])
            answers = pipeline.execute()
        return [
            (id, fence, value or default)
            for id, (fence, value) in zip(ids, answers, strict=True)
            if fence and (value or default)
        ]

    def begin(self, worker: str) -> None:
        """Let a worker that starts take jobs, even if one of its name was draining before."""
        self.redis.srem("workers:draining", worker)

    def drain(self, worker: str, *, draining: bool = True) -> dict[str, Any]:
        """Let a worker take no more jobs, and requeue those that it runs; or undo this.

        A worker that starts takes jobs, even if an earlier one of the same name was draining.

        Returns
        -------
        dict
            The description of the worker, as in `workers`.

        Raises
        ------
        NotFoundError
            No worker with this name has sent a heartbeat in the last 5 seconds.
        ConflictError
            The worker is of version 0.2.0, which cannot drain.
        """
        description = self._run("drain", worker, int(draining), WORKER_ALIVE_S)
        if description is None:
            raise NotFoundError(f"no worker named {worker!r} is alive")
        if description == "":
            raise ConflictError(f"the worker {worker!r} is too old to drain: upgrade or stop it")
        return {**json.loads(description), "draining": draining}

    def reap(
        self,
        worker: str,
        description: Mapping[str, Any],
        dead: Iterable[Death],
        machine: str = "",
    ) -> QueueState:
        """Store a worker's heartbeat, and requeue lost jobs.

        Parameters
        ----------
        worker
            Name of the worker.
        description
            The worker's entry in ``GET /system``. ``classes`` lists the classes of jobs that it
            takes, and ``owner_running`` is the most jobs of one owner that may run before it takes
            no further one, 0 for no limit.
        dead
            Running jobs whose owner is dead, or whose lease has expired.
        machine
            Name of the machine. A few workers of several machines watch the leases.
        """
        about = json.dumps(description)
        answer = self._run("reap", QUEUE, worker, about, machine, *flat(dead))
        return QueueState.from_answer(answer, description.get("classes", [FIRST_CLASS]))


def lease_score(owner: Mapping[str, Any]) -> int:
    """Return a number, the same for processes that can see each other: the score of a lease."""
    seen = f"{owner.get('boot')} {owner.get('pid_namespace')}"
    return 1 + crc32(seen.encode())


def flat(dead: Iterable[Death]) -> Iterator[str]:
    """Return the fields of all deaths, as the arguments of a script."""
    return chain.from_iterable(Death(*death) for death in dead)
