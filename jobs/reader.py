"""Read jobs from Redis: one job, or a page of jobs."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import redis

from jobs.archive import Archive, View
from jobs.compact import unpack
from jobs.connection import Client
from jobs.deliveries import Deliveries
from jobs.record import Job, Status, history_key, losses_key
from jobs.submission import owner_queue_full, queue_full
from jobs.waiting import QueueView
from stepbox.errors import NotFoundError
from stepbox.store.objects import ObjectStore
from stepbox.training.report import LossEntry

SCRIPTS = Path(__file__).parent / "lua"
# The scripts share these, in this order.
SHARED = ("common", "queue", "sweeps", "webhooks", "transitions")
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
    """Reads jobs. It also loads the Lua scripts in ``jobs/lua``, which `JobStore` needs.

    Parameters
    ----------
    client
        Of Redis.
    archive
        The part of the store with the archived jobs. None in processes that read no finished job.
    """

    _owner: str | None = None  # who submitted the jobs that this reader sees; None for all

    def __init__(self, client: Client, archive: ObjectStore | None = None) -> None:
        self.redis = client
        self._scripts = {
            path.stem: client.register_script(script_text(path.stem))
            for path in SCRIPTS.glob("*.lua")
            if path.stem not in SHARED
        }
        self.archive = Archive(client, self._run, archive)
        self.deliveries = Deliveries(client, self._run)

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
        for job in self._read({id: None}, whole=True):
            return job
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
        entries = self.archive.settled(lambda view: self._entries(view, status, after, limit + 1))
        cursor = str(entries[limit - 1][1]) if len(entries) > limit else None
        listed = self._read(dict(entries[:limit]))
        return [job for job in listed if status in (None, job.status)], cursor

    def _entries(
        self, view: View, status: Status | None, after: str | None, number: int
    ) -> list[tuple[str, int]]:
        """Return up to `number` ids with their sequence numbers; the parameters are of `page`."""
        before = None if after is None else self._sequence(view, after)
        return self.archive.merge(
            view,
            self._in_redis(status, before, number),
            number,
            status=status,
            owner=self._owner,
            before=before,
        )

    def _in_redis(
        self, status: Status | None, before: int | None, number: int
    ) -> list[tuple[str, int]]:
        """Return those of the `_entries` that are in Redis."""
        if status is not None:
            self.complete_lists()
        found = cast(
            list[tuple[str, float]],
            self.redis.zrange(
                f"jobs:status:{status}" if status else "jobs:all",
                "+inf" if before is None else f"({before}",
                "-inf",
                desc=True,
                withscores=True,
                byscore=True,
                offset=0,
                num=number,
            ),
        )
        return [(id, int(sequence)) for id, sequence in found]

    def complete_lists(self) -> None:
        """Add to the lists of jobs by status what an earlier version has left out."""
        while self._run("index", INDEXED_AT_ONCE):
            pass

    def unfinished(self) -> dict[str, str | None]:
        """Map each queued or running job to what it has decided to publish, as `Claim.result`."""
        self.complete_lists()
        with self.redis.pipeline() as pipeline:  # in one transaction: jobs move between them
            for status in UNFINISHED:
                pipeline.zrange(f"jobs:status:{status}", 0, -1)
            ids = [id for ids in pipeline.execute() for id in ids]
            for id in ids:
                pipeline.hmget(f"job:{id}", "model", "staged")
            results = pipeline.execute()
        return {id: model or staged for id, (model, staged) in zip(ids, results, strict=True)}

    def queue_length(self) -> int:
        """Return the number of queued jobs."""
        return self.redis.zcard("jobs:status:queued")

    def check_room(self, queue_limit: int, owner: str | None, owner_limit: int) -> None:
        """Raise QueueFullError if a job of this owner would be rejected, as in `submit`."""
        if self.queue_length() >= queue_limit:
            raise queue_full(queue_limit)
        if 0 < owner_limit <= int(self.redis.hget("jobs:owners", owner or "") or 0):
            raise owner_queue_full(owner_limit)

    def workers(self) -> list[dict[str, Any]]:
        """List the descriptions of the workers with a heartbeat in the last 5 seconds."""
        return described(*self._run("workers", WORKER_ALIVE_S))

    def _sequence(self, view: View, after: str) -> int:
        """Return the sequence number of a cursor, or of the job with this id."""
        place = self.redis.zscore("jobs:all", after)
        if place is not None:
            return int(place)
        if CURSOR.fullmatch(after):
            return int(after)
        try:
            return self.archive.sequence(view, after)
        except NotFoundError:
            raise NotFoundError(f"no job has the id {after!r}, given as 'after'") from None

    def _read(self, jobs: Mapping[str, int | None], *, whole: bool = False) -> list[Job]:
        """Read jobs, and skip those that do not exist; their losses if `whole`.

        `jobs` maps their ids to their sequence numbers, or to None if they are not known. Those in
        Redis are read in one transaction.
        """

        def read(view: View) -> list[Job]:
            found = self._read_redis([*jobs], whole=whole)
            missing = {id: sequence for id, sequence in jobs.items() if id not in found}
            for id, job in self.archive.read(view, missing, whole=whole).items():
                found[id] = _job(job.record, "", job.history, job.losses if whole else None)
            return [found[id] for id in jobs if id in found]

        return self.archive.settled(read)

    def _read_redis(self, ids: list[str], *, whole: bool) -> dict[str, Job]:
        with self.redis.pipeline() as pipeline:
            for id in ids:
                pipeline.hgetall(f"job:{id}")
                pipeline.lrange(history_key(id), 0, -1)
                if whole:
                    pipeline.lrange(losses_key(id), 0, -1)
            self._run("waiting", WORKER_ALIVE_S, *ids, pipeline=pipeline)
            *answers, (before, workers, draining, running) = pipeline.execute()
        queue = QueueView(
            described(workers, draining),
            dict(zip(running[::2], running[1::2], strict=True)),
        )
        each = 3 if whole else 2
        losses = answers[2::each] if whole else [None] * len(ids)
        rows = zip(ids, answers[::each], before, answers[1::each], losses, strict=True)
        return {
            id: _job(record, position, history, entries, queue)
            for id, record, position, history, entries in rows
            if record
        }


def _job(
    record: Mapping[str, str],
    position: int | str,
    history: list[str],
    losses: list[str] | None,
    queue: QueueView | None = None,
) -> Job:
    """Make a job from what is stored about it; see `Job.from_record`."""
    job = Job.from_record(record, position, history, queue)
    if losses is None:
        return job
    entries = [LossEntry.model_validate(loss) for loss in unpack("loss", losses)]
    return job.model_copy(update={"losses": entries})
