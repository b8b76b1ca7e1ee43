"""Read jobs from Redis: one job, or a page of jobs."""

import json
import re
from pathlib import Path
from typing import Any, cast

import redis

from jobs.compact import unpack
from jobs.connection import Client
from jobs.record import Job, Status, history_key, losses_key
from jobs.waiting import QueueView
from stepbox.errors import NotFoundError
from stepbox.training.report import LossEntry

SCRIPTS = Path(__file__).parent / "lua"
SHARED = ("common", "queue", "transitions")  # the scripts share them, in this order
INDEXED_AT_ONCE = 1000  # jobs per call of index.lua, which blocks Redis for a few milliseconds
UNFINISHED: tuple[Status, ...] = ("queued", "running")
WORKER_ALIVE_S = 5  # a worker whose last heartbeat is older counts as gone
CURSOR = re.compile(r"[0-9]{1,15}")  # no id matches, because ids have 16 characters


def script_text(name: str) -> str:
    """Read a Lua script, with the functions that the scripts share."""
    return "".join((SCRIPTS / f"{part}.lua").read_text() for part in (*SHARED, name))


def described(descriptions: list[str], draining: list[str]) -> list[dict[str, Any]]:
    """Read descriptions of workers, and add whether each is draining."""
    workers = map(json.loads, descriptions)
    return [worker | {"draining": worker.get("name") in draining} for worker in workers]


class JobReader:
    """Reads jobs. It also loads the Lua scripts in ``jobs/lua``, which `JobStore` needs."""

    def __init__(self, client: Client) -> None:
        self.redis = client
        self._scripts = {
            path.stem: client.register_script(script_text(path.stem))
            for path in SCRIPTS.glob("*.lua")
            if path.stem not in SHARED
        }

    def _run(
        self,
        script: str,
        *arguments: str | int | float,
        pipeline: redis.client.Pipeline | None = None,
    ) -> Any:
        """Run a script, or add it to a pipeline."""
        return self._scripts[script](args=list(arguments), client=pipeline)

    def position(self, id: str, pipeline: redis.client.Pipeline) -> None:
        """Add to a pipeline: a list of how many queued jobs start before this one, or ''."""
        self._run("positions", id, pipeline=pipeline)

    def get(self, id: str) -> Job:
        """Read a job with its losses; raise NotFoundError if no job has this id."""
        for job in self._read([id]):
            stored = cast(list[str], self.redis.lrange(losses_key(id), 0, -1))
            losses = [LossEntry.model_validate(loss) for loss in unpack("loss", stored)]
            return job.model_copy(update={"losses": losses})
        raise NotFoundError(f"no job has the id {id!r}")

    def checkpoint(self, id: str) -> str | None:
        """Return the name of a job's last checkpoint; None if it has none."""
        return cast(str | None, self.redis.hget(f"job:{id}", "checkpoint"))

    def page(
        self, *, status: Status | None = None, limit: int = 20, after: str | None = None
    ) -> tuple[list[Job], str | None]:
        """List jobs without their losses, newest first.

        Parameters
        ----------
        status
            List only jobs with this status; None lists all.
        limit
            Maximum number of jobs to list.
        after
            The cursor that the previous page returned, or the id of a job of any status, to list
            the jobs created before it. A cursor stays valid if jobs change or are deleted.

        Returns
        -------
        tuple
            At most ``limit`` jobs, and the cursor to pass as ``after`` for the next page, or None
            if this is the last page.

        Raises
        ------
        NotFoundError
            ``after`` is neither a cursor nor the id of a job.
        """
        entries = self._entries(status, after, limit + 1)
        cursor = str(int(entries[limit - 1][1])) if len(entries) > limit else None
        listed = self._read([id for id, _ in entries[:limit]])
        return [job for job in listed if status in (None, job.status)], cursor

    def _entries(
        self, status: Status | None, after: str | None, number: int
    ) -> list[tuple[str, float]]:
        """Return up to `number` ids with their sequence numbers; the parameters are of `page`."""
        while status is not None and self._run("index", INDEXED_AT_ONCE):
            pass
        return cast(
            list[tuple[str, float]],
            self.redis.zrange(
                f"jobs:status:{status}" if status else "jobs:all",
                "+inf" if after is None else f"({self._sequence(after)}",
                "-inf",
                desc=True,
                withscores=True,
                byscore=True,
                offset=0,
                num=number,
            ),
        )

    def unfinished(self) -> dict[str, str | None]:
        """Map each queued or running job to what it has decided to publish, as `Claim.result`."""
        while self._run("index", INDEXED_AT_ONCE):
            pass
        with self.redis.pipeline() as pipeline:  # in one transaction: jobs move between them
            for status in UNFINISHED:
                pipeline.zrange(f"jobs:status:{status}", 0, -1)
            ids = [id for ids in pipeline.execute() for id in ids]
            for id in ids:
                pipeline.hmget(f"job:{id}", "model", "staged")
            results = pipeline.execute()
        return {id: model or staged for id, (model, staged) in zip(ids, results, strict=True)}

    def _sequence(self, after: str) -> int:
        """Return the sequence number of a cursor, or of the job with this id."""
        place = self.redis.zscore("jobs:all", after)
        if place is not None:
            return int(place)
        if not CURSOR.fullmatch(after):
            raise NotFoundError(f"no job has the id {after!r}, given as 'after'")
        return int(after)

    def _read(self, ids: list[str]) -> list[Job]:
        """Read the jobs with these ids in one transaction, and skip those that do not exist."""
        with self.redis.pipeline() as pipeline:
            for id in ids:
                pipeline.hgetall(f"job:{id}")
                pipeline.lrange(history_key(id), 0, -1)
            self._run("waiting", WORKER_ALIVE_S, *ids, pipeline=pipeline)
            *answers, (before, workers, draining, running) = pipeline.execute()
        queue = QueueView(
            described(workers, draining),
            dict(zip(running[::2], running[1::2], strict=True)),
        )
        return [
            Job.from_record(record, position, history, queue)
            for record, history, position in zip(answers[::2], answers[1::2], before, strict=True)
            if record
        ]
