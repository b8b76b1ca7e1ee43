"""Compare what clients saw with a model of a job's life.

`check` needs nothing but a history, so a recorded one can be checked again, and one can be written
by hand. All clients use the same monotonic clock. So of two calls, the second began after the first
had its answer, or the first after the second, or they overlapped. Redis alone holds the jobs, so no
answer may be older than one that any client had before the call.
"""

import heapq
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain, pairwise
from typing import Any, Literal, NamedTuple

from tests.soak.history import FINAL, Call, Expected, name_of

KINDS = ("lost", "doubled", "differing", "illegal")
RANK = {"running": 0, "queued": 1, **dict.fromkeys(FINAL, 2)}  # within an attempt
# A call may also have no answer, which says nothing.
ALLOWED = {
    "submit": (202, 429, 503),
    "cancel": (202, 409, 503),
    "job": (200, 503),
    "jobs": (200, 503),
    "events": (200, 429, 503),
    "card": (200, 503),
    "models": (200, 503),
    "predict": (200, 429, 503),
}


class Violation(NamedTuple):
    """Something that no history may contain."""

    kind: Literal["lost", "doubled", "differing", "illegal"]
    text: str


def check(history: Sequence[Call], expected: Mapping[str, Expected]) -> list[Violation]:
    """Find everything in a complete history that contradicts what is promised.

    Parameters
    ----------
    history
        The calls, in any order. At the end, after the faults, somebody has submitted every key
        again that had no clear answer, listed all jobs, read all their events, and listed the
        models at each API.
    expected
        The result of each training, by `name_of` its fields.
    """
    seen = _Seen(history)
    return list(
        chain(
            _check_statuses(seen),
            _check_submissions(seen),
            _check_jobs(seen),
            _check_cancels(seen),
            _check_streams(seen, expected),
            _check_models(seen, expected),
        )
    )


class _Seen:
    """A history, sorted by what it is about."""

    def __init__(self, history: Sequence[Call]) -> None:
        self.calls = sorted(history, key=lambda call: call.invoked)
        self.answers: dict[str, list[Call]] = defaultdict(list)  # the successful ones
        self.views: dict[str, list[tuple[Call, dict[str, Any]]]] = defaultdict(list)
        for call in self.calls:
            if call.status in (200, 202):
                self.answers[call.operation].append(call)
                if call.operation in ("submit", "job", "cancel", "jobs"):
                    found = call.answer if call.operation == "jobs" else [call.answer]
                    for job in found:
                        self.views[job["id"]].append((call, job))
        self.fields = {
            call.request["key"]: call.request["fields"]
            for call in self.calls
            if call.operation == "submit"
        }
        self.keys = {id: views[0][1]["title"] for id, views in self.views.items()}
        self.ends = {
            id: job
            for id, views in self.views.items()
            for _, job in views
            if job["status"] in FINAL
        }
        self.streams: dict[str, list[Any]] = {}  # the longest from the beginning, of each job
        for call in self.answers["events"]:
            id = call.request["id"]
            if call.request["after"] is None:
                self.streams[id] = max(self.streams.get(id, []), call.answer, key=len)


def _check_statuses(seen: _Seen) -> Iterator[Violation]:
    for call in seen.calls:
        if call.status is None or call.status in ALLOWED[call.operation]:
            continue
        text = f"{call.operation} {dict(call.request)} at {call.api}: status {call.status}"
        # Clients ask only for what they know of.
        yield Violation("lost" if call.status == 404 else "illegal", text)


def _check_submissions(seen: _Seen) -> Iterator[Violation]:
    """A key has one job, which stays, and nobody else has a job."""
    accepted: dict[str, set[str]] = defaultdict(set)
    for call in seen.answers["submit"]:
        accepted[call.request["key"]].add(call.answer["id"])
        if call.answer["title"] != call.request["key"]:
            yield Violation("illegal", f"the answer to {call.request['key']} is another's job")
    for api, call in _last_at_each_api(seen.answers["jobs"]).items():
        jobs: dict[str, set[str]] = defaultdict(set)
        for job in call.answer:
            jobs[job["title"]].add(job["id"])
        for key, ids in accepted.items():
            for id in ids - jobs[key]:
                yield Violation("lost", f"job {id} of {key} is not listed at {api}")
            accepted[key] = ids | jobs[key]
        for key in jobs.keys() - seen.fields.keys():
            yield Violation("doubled", f"nobody has submitted {key}, which is listed at {api}")
    for key, ids in accepted.items():
        if len(ids) > 1:
            yield Violation("doubled", f"{key} has the jobs {sorted(ids)}")


def _check_jobs(seen: _Seen) -> Iterator[Violation]:
    """A job moves only forward, ends once, and succeeds unless it is cancelled."""
    for id, views in seen.views.items():
        for _, job in views:
            yield from _check_state(job)
        ends = {_key(job) for _, job in views if job["status"] in FINAL}
        if len(ends) > 1:
            yield Violation("doubled", f"job {id} has the ends {sorted(ends)}")
        if not ends:
            yield Violation("lost", f"job {id} did not end: {views[-1][1]['status']}")
        yield from _check_order(id, views, seen)


def _check_state(job: Mapping[str, Any]) -> Iterator[Violation]:
    if job["status"] == "failed":
        yield Violation("lost", f"job {job['id']} failed: {job['error']}")
    if (job["model"] is None) == (job["status"] == "succeeded"):
        yield Violation("illegal", f"job {job['id']} is {job['status']}, model {job['model']}")
    if job["status"] == "running" and not job["attempts"]:
        yield Violation("illegal", f"job {job['id']} runs, but nobody has claimed it")


def _check_order(
    id: str, views: Sequence[tuple[Call, Mapping[str, Any]]], seen: _Seen
) -> Iterator[Violation]:
    """No answer is older than one that was given before the call."""
    given = [(call.answered, _position(job), job["epochs"], call.api) for call, job in views]
    for call in seen.answers["events"]:
        states = [values for _, type, values in call.answer if type == "status"]
        if call.request["id"] == id and states:
            epochs = sum(type == "epoch" for _, type, _ in call.answer)
            given.append((call.answered, _position(states[-1]), epochs, call.api))
    heapq.heapify(given)
    latest: tuple[Any, int, str] = ((0, 0), 0, "")
    for call, job in sorted(views, key=lambda one: one[0].invoked):
        while given and given[0][0] < call.invoked:
            _, position, epochs, api = heapq.heappop(given)
            latest = max(latest[0], position), max(latest[1], epochs), api
        if _position(job) < latest[0] or job["epochs"] < latest[1]:
            yield Violation(
                "illegal",
                f"{call.client} saw job {id} at {call.api} in the past: {_position(job)} with "
                f"{job['epochs']} epochs, after {latest[0]} with {latest[1]} at {latest[2]}",
            )


def _check_cancels(seen: _Seen) -> Iterator[Violation]:
    """A job whose cancel was accepted before its last epoch was stored is never finished."""
    for call in seen.answers["cancel"]:
        job = call.answer
        end = seen.ends.get(job["id"], job)
        if job["epochs"] < job["total"] and end["status"] == "succeeded":
            yield Violation(
                "illegal",
                f"job {job['id']} succeeded, although its cancel was accepted after "
                f"{job['epochs']} of {job['total']} epochs",
            )
        if job["epochs"] < job["total"] and end["attempts"] > job["attempts"]:
            yield Violation("illegal", f"job {job['id']} was claimed after its cancel")


def _check_streams(seen: _Seen, expected: Mapping[str, Expected]) -> Iterator[Violation]:
    """Streams have no gap, end with the job's end, and repeat no epoch and no loss."""
    for id, stream in seen.streams.items():
        states = [values for _, type, values in stream if type == "status"]
        yield from _check_transitions(id, states)
        if id in seen.ends and (not stream or stream[-1][1] != "status"):
            yield Violation("illegal", f"the events of job {id} do not stop at its end")
        yield from _check_progress(id, stream)
        wanted = expected.get(name_of(seen.fields.get(seen.keys.get(id, ""), {})))
        if wanted is None:
            continue
        over = seen.ends.get(id, {}).get("status") == "succeeded"
        for type, all_points in (("epoch", wanted.epochs), ("loss", wanted.losses)):
            points = [list(values) for _, kind, values in stream if kind == type]
            should = [list(point) for point in all_points]
            if not over:
                should = should[: len(points)]
            if [at for at, _ in points] != [at for at, _ in should]:
                text = f"the {type} events of job {id} are {[at for at, _ in points]}"
                yield Violation("illegal", text)
            elif points != should:
                yield Violation("differing", f"job {id} has other values of {type}")
    for call in seen.answers["events"]:
        id, after = call.request["id"], call.request["after"]
        whole = seen.streams.get(id)
        if whole is None:
            continue
        ids = [event for event, _, _ in whole]
        start = 0 if after is None else ids.index(after) + 1 if after in ids else len(ids)
        if call.answer != whole[start : start + len(call.answer)]:
            yield Violation("illegal", f"{call.client} missed an event of job {id} after {after}")


def _check_transitions(id: str, states: Sequence[Mapping[str, Any]]) -> Iterator[Violation]:
    if states and _position(states[0]) != (0, RANK["queued"]):
        yield Violation("illegal", f"job {id} begins as {_key(states[0])}")
    for one, other in pairwise(states):
        before, after = one["status"], other["status"]
        grown = other["attempts"] - one["attempts"]
        if before in FINAL:
            text = f"job {id} is {after} after it was {before}"
            yield Violation("doubled" if after in FINAL else "illegal", text)
        elif (before, after) == ("queued", "running"):
            if grown != 1:
                yield Violation("illegal", f"job {id} was claimed {grown} times at once")
        elif (before, after) == ("queued", "succeeded") or grown:
            yield Violation("illegal", f"job {id} went from {_key(one)} to {_key(other)}")


def _check_progress(id: str, stream: Iterable[Any]) -> Iterator[Violation]:
    """Within an attempt, nobody else reports."""
    reached = 0
    for _, type, values in stream:
        if type == "status" and values["status"] != "running":
            reached = 0
        elif type == "progress":
            if values < reached:
                yield Violation("illegal", f"job {id} fell back from {reached} to {values} samples")
            reached = values


def _check_models(seen: _Seen, expected: Mapping[str, Expected]) -> Iterator[Violation]:
    """A job that succeeds has one model, everywhere, with the weights that it should have."""
    wanted = {
        job["model"]: expected.get(name_of(seen.fields.get(job["title"], {})))
        for job in seen.ends.values()
        if job["status"] == "succeeded"
    }
    for call in seen.answers["card"]:
        model, result = call.request["model"], wanted.get(call.request["model"])
        if result and (call.answer["weights"], call.answer["steps"]) != result[:2]:
            yield Violation("differing", f"model {model} has other weights or steps")
    logits: dict[str, Any] = {}
    for call in seen.answers["predict"]:
        if logits.setdefault(call.request["model"], call.answer) != call.answer:
            yield Violation("differing", f"model {call.request['model']} predicts differently")
    owners: dict[str, set[str]] = defaultdict(set)
    for call in seen.answers["models"]:
        for model, job in call.answer["models"]:
            owners[job].add(model)
        for model in call.answer["damaged"]:
            yield Violation("illegal", f"model {model} was damaged at {call.api}")
    for job, models in owners.items():
        end = seen.ends.get(job, {"status": "unknown", "model": None})
        if len(models) > 1:
            yield Violation("doubled", f"job {job} has the models {sorted(models)}")
        elif end["status"] in ("cancelled", "unknown"):
            yield Violation("illegal", f"job {job} is {end['status']}, but has a model")
        elif models != {end["model"]}:
            yield Violation("illegal", f"job {job} has the model {models}, not {end['model']}")
    for api, call in _last_at_each_api(seen.answers["models"]).items():
        listed = [model for model, _ in call.answer["models"]]
        for model in wanted:
            if model not in listed:
                yield Violation("lost", f"model {model} is not listed at {api}")
            elif listed.count(model) > 1:
                yield Violation("doubled", f"model {model} is listed twice at {api}")


def _position(job: Mapping[str, Any]) -> tuple[int, int]:
    """Return the place of a state in the life of its job; it only grows."""
    return job["attempts"], RANK[job["status"]]


def _key(job: Mapping[str, Any]) -> tuple[str, int, str]:
    return job["status"], job["attempts"], job.get("model") or ""


def _last_at_each_api(calls: Iterable[Call]) -> dict[str, Call]:
    return {call.api: call for call in calls}  # they are in the order of their invocations
