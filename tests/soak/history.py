"""What clients saw: a list of calls, which `tests.soak.clients` records."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NamedTuple

FINAL = ("succeeded", "failed", "cancelled")
KEPT = (
    *("id", "title", "status", "attempts", "model", "error"),
    *("kind", "sweep", "trial", "final", "pruned"),
)


@dataclass(frozen=True)
class Call:
    """A call of a client.

    Attributes
    ----------
    client, api
        Who called, and the host whose API it called.
    operation
        What it called, one of those below.
    request
        ``submit``: `key`, the idempotency key and the job's title, and `fields`. ``events``: `id`
        and `after`, the id of the last event seen, or None. ``job``, ``sweep`` and ``cancel``:
        `id`. ``card`` and ``predict``: `model`. ``jobs`` and ``models``: nothing.
    invoked, answered
        When the call began, and when it had its answer or was given up, in s.
    status
        The status of the answer; None if there was none, or only a part of one.
    answer
        ``submit``, ``cancel``, ``job``: what `view` returns. ``jobs``: a list of these. ``sweep``:
        what `view_of_sweep` returns. ``events``: a list of [id, type, values]. ``card``: `job`,
        `weights` and `steps`. ``models``: `models`, a list of [id, job], and `damaged`, a list of
        ids. ``predict``: the logits. None if the status is no success.
    """

    client: str
    api: str
    operation: str
    request: Mapping[str, Any]
    invoked: float
    answered: float
    status: int | None
    answer: Any = None

    def to_line(self) -> str:
        """Write the call as a line of JSON."""
        return json.dumps(asdict(self)) + "\n"


class ExpectedTrial(NamedTuple):
    """The result of an undisturbed trial of a sweep.

    Attributes
    ----------
    seen
        Its `view_of_trial`.
    epochs, losses
        As in `Expected`.
    """

    seen: Mapping[str, Any]
    epochs: Sequence[Sequence[Any]]
    losses: Sequence[Sequence[Any]]


class Expected(NamedTuple):
    """The result of an undisturbed training, or of the winner of an undisturbed sweep.

    Attributes
    ----------
    weights, steps
        The SHA-256 of the files.
    epochs
        [epoch, train loss] of each epoch.
    losses
        [samples, train loss] of each loss within the epochs.
    trials
        The trials of the sweep, in the order of their numbers.
    """

    weights: str
    steps: str
    epochs: Sequence[Sequence[Any]]
    losses: Sequence[Sequence[Any]]
    trials: Sequence[ExpectedTrial] = ()


def read_history(path: Path) -> list[Call]:
    """Read recorded calls."""
    return [Call(**json.loads(line)) for line in path.read_text().splitlines()]


def is_whole(call: Call) -> bool:
    """Tell whether a call has read all events of a job; one that was cut off has no error."""
    states = [values["status"] for _, type, values in call.answer if type == "status"]
    return call.request["after"] is None and not {*FINAL}.isdisjoint(states)


def view(job: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a history keeps of a job."""
    kept = {name: job[name] for name in KEPT}
    epochs, total = len(job["history"]), job["recipe"]["epochs"] + 1
    return kept | {"epochs": epochs, "total": total, "dataset": job["recipe"]["dataset"]}


def view_of_sweep(sweep: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a history keeps of a sweep."""
    return {
        **{name: sweep[name] for name in ("id", "title", "status", "model")},
        "total": sweep["progress"]["trials"],
        "jobs": [trial["job"] for trial in sweep["trials"]],
        "trials": [view_of_trial(trial) for trial in sweep["trials"]],
        "winner": sweep["winner"] and sweep["winner"]["job"],
    }


def view_of_trial(trial: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a sweep shows of a trial, and what is the same if the sweep is repeated."""
    return {name: trial[name] for name in ("number", "params", "state", "values")}


def name_of(fields: Mapping[str, Any]) -> str:
    """Return the name of a training among those that are expected."""
    return json.dumps(fields, sort_keys=True)
