"""The deliveries of webhooks in Redis: which jobs have told whom that they ended."""

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from itertools import islice
from random import uniform
from typing import Any, Literal, Self, cast, get_args

import redis
from pydantic import BaseModel, Field

from jobs.signing import new_secret
from stepbox.errors import NotFoundError

State = Literal["pending", "delivered", "dead"]
Outcome = Literal["delivered", "failed", "refused"]
STATES: tuple[State, ...] = get_args(State)
CURSOR = re.compile(r"[0-9]{1,15}")

LEASE_S = 60  # of an attempt, which may have to wait for the resolver before its 15 s begin
# Between two attempts; the last delay is repeated until a day is over.
DELAYS_S = (5, 5 * 60, 30 * 60, 2 * 3600, 5 * 3600, 10 * 3600)
JITTER = 0.2  # so that deliveries that failed together are not repeated together
READ_AT_ONCE = 100


class Delivery(BaseModel):
    """A message to the webhook of a job that has ended."""

    id: str = Field(description="Id of the job, and of the message: its header `webhook-id`.")
    url: str = Field(description="Where it is sent.")
    type: str = Field(description="`job.succeeded`, `job.failed` or `job.cancelled`.")
    state: State = Field(
        description="`pending`: a first or a further attempt follows. `delivered`: the receiver "
        "has confirmed it. `dead`: no further attempt follows."
    )
    attempts: int = Field(ge=0, description="Number of attempts, since the last retry if any.")
    ended_at: datetime = Field(description="When the job ended.")
    attempted_at: datetime | None = Field(description="Time of the last attempt. Null before.")
    next_attempt_at: datetime | None = Field(
        description="When the next attempt is due. Null unless pending."
    )
    status: int | None = Field(description="Status of the last response. Null if there was none.")
    error: str | None = Field(
        description="Why the last attempt failed. Null if it did not, and before the first one."
    )
    submitted_by: str | None = Field(description="Owner of the job. Null if nobody is.")

    @classmethod
    def from_record(cls, record: Mapping[str, str]) -> Self:
        """Read a delivery from the hash ``webhook:{id}``."""
        times = {
            "ended_at": record["ended_at"],
            "attempted_at": record.get("attempted_at"),
            "next_attempt_at": record.get("due"),
        }
        return cls.model_validate(
            {
                **record,
                **{name: _time(seconds) for name, seconds in times.items()},
                "status": record.get("status") or None,
                "error": record.get("error") or None,
                "submitted_by": record.get("submitted_by"),
            },
            extra="ignore",
        )

    def to_json(self) -> dict[str, Any]:
        """Return the delivery as JSON values."""
        return self.model_dump(mode="json")


class Deliveries:
    """Reads and changes the deliveries of webhooks.

    Parameters
    ----------
    client
        Of Redis.
    run
        Runs a script with these arguments.
    owner
        Whose deliveries exist; None for all.
    """

    def __init__(
        self, client: redis.Redis, run: Callable[..., Any], owner: str | None = None
    ) -> None:
        self._redis = client
        self._run = run
        self._owner = owner

    def seen_by(self, owner: str) -> "Deliveries":
        """Return the deliveries of one owner. In these, those of others do not exist."""
        return Deliveries(self._redis, self._run, owner)

    def claim(self, attempt: str) -> Delivery | None:
        """Begin an attempt, which has a unique name; return None if no delivery is due.

        If `settle` is not called within `LEASE_S`, the delivery is due again.
        """
        flat = self._run("claim_delivery", attempt, LEASE_S)
        return Delivery.from_record(dict(zip(flat[::2], flat[1::2], strict=True))) if flat else None

    def settle(
        self,
        delivery: Delivery,
        attempt: str,
        outcome: Outcome,
        status: int | None = None,
        error: str = "",
    ) -> State | Literal["lost"]:
        """End an attempt; return the new state, or "lost" if its lease has ended meanwhile.

        Parameters
        ----------
        delivery
            What `claim` has returned.
        attempt
            Name of the attempt.
        outcome
            ``failed``: there is another attempt later, until a day is over. ``refused``: there is
            none.
        status
            Of the response; None if there was none.
        error
            Why the attempt failed.
        """
        delay = DELAYS_S[min(delivery.attempts, len(DELAYS_S)) - 1]
        return cast(
            State,
            self._run(
                "settle_delivery",
                delivery.id,
                attempt,
                outcome,
                status or "",
                error,
                delay * uniform(1 - JITTER, 1 + JITTER),
            ),
        )

    def find_missed(self) -> None:
        """Begin the deliveries of jobs that workers and APIs of earlier versions have ended."""
        self._run("missed_deliveries")

    def secret(self) -> str:
        """Return the secret of this installation; the first call makes it."""
        self._redis.set("webhooks:secret", new_secret(), nx=True)
        return cast(str, self._redis.get("webhooks:secret"))

    def get(self, id: str) -> Delivery:
        """Read a delivery; raise NotFoundError if there is none with this id."""
        record = cast(dict[str, str], self._redis.hgetall(f"webhook:{id}"))
        if not record or self._owner not in (None, record.get("submitted_by")):
            raise NotFoundError(f"no delivery has the id {id!r}")
        return Delivery.from_record(record)

    def retry(self, id: str) -> Delivery:
        """Deliver again, at once and with a new day of attempts; raise NotFoundError as `get`."""
        self.get(id)
        self._run("retry_delivery", id)
        return self.get(id)

    def page(
        self, *, state: State | None = None, limit: int = 20, after: str | None = None
    ) -> tuple[list[Delivery], str | None]:
        """List deliveries, the newest first: of the jobs that ended, or were retried, last.

        Parameters
        ----------
        state
            List only deliveries in this state; None lists all.
        limit
            Maximum number of deliveries to list.
        after
            The cursor that the previous page returned.

        Returns
        -------
        tuple
            At most ``limit`` deliveries, and the cursor of the next page, or None if this is the
            last one.
        """
        states = STATES if state is None else (state,)
        found = list(islice(self._from(states, f"({after}" if after else "+inf"), limit + 1))
        page = [Delivery.from_record(record) for record in found[:limit]]
        return page, found[limit - 1]["sequence"] if len(found) > limit else None

    def _from(self, states: tuple[State, ...], highest: str) -> Iterator[dict[str, str]]:
        """Yield the records of the owner's deliveries, from this sequence number downwards."""
        while True:
            entries = self._newest(states, highest)
            with self._redis.pipeline() as pipeline:
                for id, _ in entries:
                    pipeline.hgetall(f"webhook:{id}")
                records = pipeline.execute()
            for record in records:
                if record and self._owner in (None, record.get("submitted_by")):
                    yield record
            if len(entries) < READ_AT_ONCE:
                return
            highest = f"({entries[-1][1]}"

    def _newest(self, states: tuple[State, ...], highest: str) -> list[tuple[str, int]]:
        """Return up to `READ_AT_ONCE` ids and sequence numbers."""
        with self._redis.pipeline() as pipeline:
            for state in states:
                pipeline.zrange(
                    f"webhooks:{state}",
                    highest,
                    "-inf",
                    desc=True,
                    withscores=True,
                    byscore=True,
                    offset=0,
                    num=READ_AT_ONCE,
                )
            entries = [(id, int(place)) for found in pipeline.execute() for id, place in found]
        return sorted(entries, key=lambda entry: -entry[1])[:READ_AT_ONCE]


def _time(seconds: str | None) -> datetime | None:
    return datetime.fromtimestamp(float(seconds), UTC) if seconds else None
