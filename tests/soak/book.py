"""What the clients of a soak know together."""

import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from stepbox.data.builtin import DATASETS
from tests.soak.history import FINAL, Call


class Book:
    """What the clients know together, and the new file that records their calls.

    Attributes
    ----------
    jobs
        The last known status of each job.
    sweeps
        Those of the jobs that are sweeps.
    models
        The models that succeeded jobs have named.
    of_points
        Those of the models that classify points of the plane.
    unclear
        The keys that have had no clear answer, and what they submit.
    """

    def __init__(self, path: Path) -> None:
        self._file = path.open("x", buffering=1)
        self._lock = threading.Lock()
        self.jobs: dict[str, str] = {}
        self.sweeps: set[str] = set()
        self.models: dict[str, str] = {}
        self.of_points: set[str] = set()
        self.unclear: dict[str, Mapping[str, Any]] = {}

    def add(self, call: Call) -> None:
        """Record a call, and remember what it tells."""
        with self._lock:
            self._file.write(call.to_line())
            if call.operation == "submit":
                if call.status == 202:  # a refusal says nothing about an earlier call
                    self.unclear.pop(call.request["key"], None)
                else:
                    self.unclear[call.request["key"]] = call.request["fields"]
            if call.operation in ("submit", "job", "cancel") and call.answer:
                job = call.answer
                if self.jobs.get(job["id"]) not in FINAL:
                    self.jobs[job["id"]] = job["status"]
                if job["kind"] == "sweep":
                    self.sweeps.add(job["id"])
                if job["model"]:
                    self.models[job["id"]] = job["model"]
                    if job["dataset"] not in DATASETS:
                        self.of_points.add(job["model"])

    def unfinished(self) -> list[str]:
        """List the jobs that are not known to have ended."""
        with self._lock:
            return [id for id, status in self.jobs.items() if status not in FINAL]

    def close(self) -> None:
        """Close the file."""
        self._file.close()
