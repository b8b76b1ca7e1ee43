"""What the submissions of all kinds of jobs have in common."""

from typing import Required, TypedDict


class Submission(TypedDict, total=False):
    """The arguments that all submissions have.

    Attributes
    ----------
    queue_limit
        Maximum number of queued jobs.
    owner_limit
        Maximum number of queued jobs of one owner; 0 or omitted: no limit.
    idempotency_key
        Key chosen by the client; it is stored for a day.
    request_id
        Id of the request that submits the job; the log lines of the job name it.
    submitted_by
        The owner of the job; omitted or None if nobody is.
    priority
        Of the jobs of an owner, those with the highest priority start first; 0 if omitted.
    """

    queue_limit: Required[int]
    owner_limit: int
    idempotency_key: str | None
    request_id: str | None
    submitted_by: str | None
    priority: int
