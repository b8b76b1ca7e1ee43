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
from typing import Any

from tests.soak.history import FINAL, Call, Expected, is_whole
from tests.soak.seen import RANK, Seen, Violation, key_of, position_of
from tests.soak.sweeps import check_sweep

KINDS = ("lost", "doubled", "differing", "illegal")
# A call may also have no answer, which says nothing.
ALLOWED = {
    "submit": (202, 429, 503),
    "cancel": (202, 409, 503),
    "job": (200, 503),
    "sweep": (200, 503),
    "jobs": (200, 503),
    "events": (200, 429, 503),
    "card": (200, 503),
    "models": (200, 503),
    "predict": (200, 429, 503),
}


def check(history: Sequence[Call], expected: Mapping[str, Expected]) -> list[Violation]:
    """Find everything in a complete history that contradicts what is promised.

    Parameters
    ----------
    history
        The calls, in any order. At the end, after the faults, somebody has submitted every key
        again that had no clear answer. Then somebody has read everything at each API: the list of
        all jobs, the events of each, the list of the models, and the card and a prediction of each.
    expected
        The result of each training and each sweep that is settled, by `name_of` its fields.
    """
    seen = Seen(history, expected)
    return list(
        chain(
            _check_completeness(seen),
            _check_statuses(seen),
            _check_submissions(seen),
            _check_jobs(seen),
            _check_cancels(seen),
            _check_streams(seen),
            _check_models(seen),
            _check_sweeps(seen),
        )
    )


def _check_completeness(seen: Seen) -> Iterator[Violation]:
    """What nobody has read proves nothing."""
    read: set[tuple[str, str, str]] = set()
    for operation, calls in seen.answers.items():
        for call in calls:
            about = call.request.get("model") or call.request.get("id") or ""
            if operation != "events" or is_whole(call):
                read.add((operation, about, call.api))
    wanted = [("jobs", ""), ("models", "")]
    for id, job in seen.ends.items():
        wanted.append(("events", id))
        if job["kind"] == "sweep":
            wanted.append(("sweep", id))
        if job["model"]:
            wanted += [("card", job["model"]), ("predict", job["model"])]
    for api in seen.apis or ["any API"]:
        for operation, about in wanted:
            if (operation, about, api) not in read:
                text = f"{operation} {about}".strip()
                yield Violation("lost", f"nobody has an answer about {text} from {api}")


def _check_statuses(seen: Seen) -> Iterator[Violation]:
    for call in seen.calls:
        if call.status is None or call.status in ALLOWED[call.operation]:
            continue
        text = f"{call.operation} {dict(call.request)} at {call.api}: status {call.status}"
        # Clients ask only for what they know of.
        yield Violation("lost" if call.status == 404 else "illegal", text)


def _check_submissions(seen: Seen) -> Iterator[Violation]:
    """A key has one job, which stays, and nobody else has a job."""
    accepted: dict[str, set[str]] = defaultdict(set)
    for call in seen.answers["submit"]:
        accepted[call.request["key"]].add(call.answer["id"])
        if call.answer["title"] != call.request["key"]:
            yield Violation("illegal", f"the answer to {call.request['key']} is another's job")
    found = set()
    for call in seen.answers["jobs"]:
        listed = {job["id"] for job in call.answer}
        for id, views in seen.views.items():
            if id not in listed and any(other.answered < call.invoked for other, _ in views):
                found.add(Violation("lost", f"job {id} is not listed at {call.api}"))
        for job in call.answer:
            if job["sweep"]:
                continue  # see `_check_sweeps`
            accepted[job["title"]].add(job["id"])
            if job["title"] not in seen.fields:
                text = f"nobody has submitted {job['title']}, which is listed at {call.api}"
                found.add(Violation("doubled", text))
    yield from sorted(found)
    for key, ids in accepted.items():
        if len(ids) > 1:
            yield Violation("doubled", f"{key} has the jobs {sorted(ids)}")


def _check_jobs(seen: Seen) -> Iterator[Violation]:
    """A job moves only forward, ends once, and succeeds unless it is cancelled."""
    for id, views in seen.views.items():
        for _, job in views:
            yield from _check_state(job)
        ends = {key_of(job) for _, job in views if job["status"] in FINAL}
        if len(ends) > 1:
            yield Violation("doubled", f"job {id} has the ends {sorted(ends)}")
        if not ends:
            yield Violation("lost", f"job {id} did not end: {views[-1][1]['status']}")
        yield from _check_order(id, views, seen)


def _check_state(job: Mapping[str, Any]) -> Iterator[Violation]:
    if job["status"] == "failed":
        yield Violation("lost", f"job {job['id']} failed: {job['error']}")
    publishes = job["kind"] == "train" and (job["sweep"] is None or job["final"])
    if (job["model"] is None) == (publishes and job["status"] == "succeeded"):
        yield Violation("illegal", f"job {job['id']} is {job['status']}, model {job['model']}")
    if job["status"] == "running" and not job["attempts"]:
        yield Violation("illegal", f"job {job['id']} runs, but nobody has claimed it")


def _check_order(
    id: str, views: Sequence[tuple[Call, Mapping[str, Any]]], seen: Seen
) -> Iterator[Violation]:
    """No answer is older than one that was given before the call."""
    given = [(call.answered, position_of(job), job["epochs"], call.api) for call, job in views]
    for call in seen.answers["events"]:
        states = [values for _, type, values in call.answer if type == "status"]
        if call.request["id"] == id and states:
            epochs = sum(type == "epoch" for _, type, _ in call.answer)
            given.append((call.answered, position_of(states[-1]), epochs, call.api))
    heapq.heapify(given)
    latest: tuple[Any, int, str] = ((0, 0), 0, "")
    for call, job in sorted(views, key=lambda one: one[0].invoked):
        while given and given[0][0] < call.invoked:
            _, position, epochs, api = heapq.heappop(given)
            latest = max(latest[0], position), max(latest[1], epochs), api
        if position_of(job) < latest[0] or job["epochs"] < latest[1]:
            yield Violation(
                "illegal",
                f"{call.client} saw job {id} at {call.api} in the past: {position_of(job)} with "
                f"{job['epochs']} epochs, after {latest[0]} with {latest[1]} at {latest[2]}",
            )


def _check_cancels(seen: Seen) -> Iterator[Violation]:
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


def _check_streams(seen: Seen) -> Iterator[Violation]:
    """Streams have no gap, end with the job's end, and repeat no epoch and no loss."""
    for id, stream in seen.streams.items():
        states = [values for _, type, values in stream if type == "status"]
        yield from _check_transitions(id, states, parks=seen.is_sweep(id))
        if id in seen.ends and (not states or stream[-1][2] != states[-1]):
            yield Violation("illegal", f"the events of job {id} do not stop at its end")
        yield from _check_progress(id, stream)
        wanted = seen.wanted(id)
        if wanted is None:
            continue
        end = seen.ends.get(id)
        over = end and (end["status"] == "succeeded" or end["pruned"])
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


def _check_transitions(
    id: str, states: Sequence[Mapping[str, Any]], *, parks: bool
) -> Iterator[Violation]:
    """Check the states of a job; `parks`: it may give up its claim and wait, as a sweep does."""
    if states and position_of(states[0]) != (0, RANK["queued"]):
        yield Violation("illegal", f"job {id} begins as {key_of(states[0])}")
    for one, other in pairwise(states):
        before, after = one["status"], other["status"]
        grown = other["attempts"] - one["attempts"]
        if before in FINAL:
            text = f"job {id} is {after} after it was {before}"
            yield Violation("doubled" if after in FINAL else "illegal", text)
        elif after == "running" and (before == "queued" or parks):
            if grown != 1:
                yield Violation("illegal", f"job {id} was claimed {grown} times at once")
        elif (before, after) == ("queued", "succeeded") or grown:
            yield Violation("illegal", f"job {id} went from {key_of(one)} to {key_of(other)}")


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


def _check_models(seen: Seen) -> Iterator[Violation]:
    """A job that succeeds has one model, everywhere, with the weights that it should have."""
    wanted = {job["model"]: seen.wanted(id) for id, job in seen.ends.items() if job["model"]}
    owner_of = {job["model"]: id for id, job in seen.ends.items()}
    for call in seen.answers["card"]:
        model, result = call.request["model"], wanted.get(call.request["model"])
        if call.answer["job"] != owner_of.get(model, call.answer["job"]):
            yield Violation("illegal", f"the card of model {model} is that of another job")
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


def _check_sweeps(seen: Seen) -> Iterator[Violation]:
    """A sweep that has ended has each of its trials once, as all APIs show it."""
    jobs = [views[-1][1] for views in seen.views.values()]
    for id in seen.ends:
        shown = [call for call in seen.answers["sweep"] if call.request["id"] == id]
        for call in _last_at_each_api(shown).values():
            trainings = [job for job in jobs if job["sweep"] == id]
            yield from check_sweep(call.answer, trainings, seen.expected(id))


def _last_at_each_api(calls: Iterable[Call]) -> dict[str, Call]:
    return {call.api: call for call in calls}  # they are in the order of their invocations
