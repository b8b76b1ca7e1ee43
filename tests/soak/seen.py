"""A history, sorted by what it is about, and what is found in it."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple

from tests.soak.history import FINAL, Call, Expected, ExpectedTrial, name_of

RANK = {"running": 0, "queued": 1, **dict.fromkeys(FINAL, 2)}  # within an attempt


class Violation(NamedTuple):
    """Something that no history may contain."""

    kind: Literal["lost", "doubled", "differing", "illegal"]
    text: str


class Seen:
    """A history, sorted by what it is about, and what it should contain."""

    def __init__(self, history: Sequence[Call], expected: Mapping[str, Expected]) -> None:
        self._expected = expected
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
        self.apis = sorted({call.api for call in self.calls})
        self.streams: dict[str, list[Any]] = {}  # the longest from the beginning, of each job
        for call in self.answers["events"]:
            id = call.request["id"]
            if call.request["after"] is None:
                self.streams[id] = max(self.streams.get(id, []), call.answer, key=len)

    def is_sweep(self, id: str) -> bool:
        """Tell whether a job is a sweep."""
        return id in self.views and self.views[id][0][1]["kind"] == "sweep"

    def expected(self, id: str) -> Expected | None:
        """Return the result of what somebody has submitted; None if it is not settled."""
        return self._expected.get(name_of(self.fields.get(self.keys.get(id, ""), {})))

    def wanted(self, id: str) -> Expected | ExpectedTrial | None:
        """Return the result of a training; None if it is not settled, or the job is a sweep."""
        if id not in self.views or self.is_sweep(id):
            return None
        job = self.views[id][0][1]
        result = self.expected(job["sweep"] or id)
        if result is None or job["final"] or not job["sweep"]:
            return result
        return result.trials[job["trial"]]


def position_of(job: Mapping[str, Any]) -> tuple[int, int]:
    """Return the place of a state in the life of its job; it only grows."""
    return job["attempts"], RANK[job["status"]]


def key_of(job: Mapping[str, Any]) -> tuple[str, int, str]:
    """Return what makes one state differ from another."""
    return job["status"], job["attempts"], job.get("model") or ""
