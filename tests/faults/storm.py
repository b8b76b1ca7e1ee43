"""Submit many jobs and sweeps while random faults occur, and check every job afterwards.

For a long run, use `python -m tests.faults.storm --seconds 900`, or `make soak`.
"""

import argparse
import json
import os
import random
import signal
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import requests
from redis.exceptions import RedisError

from jobs.connection import connect
from jobs.events import read_events
from jobs.store import JobStore
from tests.faults.checks import all_over
from tests.faults.sweeps import SWEEPS, is_sweep
from tests.processes import Process, Stack, stack_in, wait_until
from tests.soak.expected import expect
from tests.soak.history import Expected, ExpectedTrial, view, view_of_sweep
from tests.soak.sweeps import check_sweep

RECIPES: list[dict[str, Any]] = [
    {"epochs": 2, "hidden_sizes": (2,), "seed": 1},
    {"epochs": 3, "hidden_sizes": (4,), "seed": 2, "activation": "tanh", "batch_size": 10},
    {
        "recipe": "fashion-mnist-torch",
        "epochs": 3,
        "hidden_sizes": (8,),
        "batch_size": 512,
        "seed": 1,
    },
]
SWEEP_EVERY = 3  # accepted jobs
WORKERS = ("one", "two")
BACKLOG = 4  # while so many jobs wait, no job is submitted


class Storm:
    """Two workers, Redis and the API, and the faults that happen to them."""

    def __init__(self, stack: Stack, seed: int) -> None:
        self.stack = stack
        self.rng = random.Random(seed)
        self.redis = stack.start_redis()
        self.workers: dict[str, Process] = {name: stack.start_worker(name) for name in WORKERS}
        self.service = stack.start_service()
        self.jobs = JobStore(connect(stack.settings()))
        self.accepted: dict[str, dict[str, Any]] = {}
        self.faults: dict[str, int] = {}
        self.recoveries: list[float] = []

    # -- faults ---------------------------------------------------------------------------

    def kill_child(self) -> None:
        """Kill a training process, and measure the time until its job runs again."""
        with suppress(RedisError, ProcessLookupError):
            owners = self.jobs.owners()
            if owners:
                job, fence, owner = self.rng.choice(owners)
                os.kill(owner["pid"], signal.SIGKILL)
                killed = time.monotonic()
                with suppress(AssertionError):
                    wait_until(lambda: self._moved_on(job, fence), seconds=30)
                    self.recoveries.append(time.monotonic() - killed)

    def _moved_on(self, job: str, fence: str) -> bool:
        status, now = self.jobs.redis.hmget(f"job:{job}", ["status", "fence"])
        return status != "queued" and (status, now) != ("running", fence)

    def kill_worker(self) -> None:
        """Kill the main process of a worker, and start the worker again."""
        name = self.rng.choice(WORKERS)
        self.workers[name].stop(signal.SIGKILL)
        time.sleep(self.rng.uniform(0, 2))
        self.workers[name] = self.stack.start_worker(name)

    def stop_worker(self) -> None:
        """Stop a worker as `docker stop` does, and start it again."""
        name = self.rng.choice(WORKERS)
        self.workers[name].stop(signal.SIGTERM)
        self.workers[name] = self.stack.start_worker(name)

    def pause_worker(self) -> None:
        """Pause a worker and its job processes for 8 to 14 s, as if its machine had died."""
        name = self.rng.choice(WORKERS)
        with suppress(RedisError):
            pids = [self.workers[name].pid]
            for job, _, owner in self.jobs.owners():
                if self.jobs.redis.hget(f"job:{job}", "worker").startswith(f"{name}@"):
                    pids.append(owner["pid"])
            _signal(pids, signal.SIGSTOP)
            time.sleep(self.rng.uniform(8, 14))
            _signal(pids, signal.SIGCONT)

    def kill_redis(self) -> None:
        """Kill Redis and start it again."""
        self.redis.stop(signal.SIGKILL)
        time.sleep(self.rng.uniform(0, 3))
        self.redis = self.stack.start_redis()

    def kill_service(self) -> None:
        """Kill the API and start it again."""
        self.service.kill_group()
        self.service = self.stack.start_service()

    def full_disk(self) -> None:
        """Prevent checkpoints for a while by replacing their folder with a file."""
        path = self.stack.models_dir / ".checkpoints"
        aside = path.with_name(".checkpoints.aside")
        with suppress(OSError):  # there is none, or one is still aside
            path.rename(aside)
        with suppress(FileExistsError):  # a worker has already created the folder again
            path.touch(exist_ok=False)
        time.sleep(self.rng.uniform(1, 5))
        with suppress(IsADirectoryError, FileNotFoundError):
            path.unlink()
        if not path.exists():
            with suppress(OSError):  # there was none, or a worker has just created it again
                aside.rename(path)

    # -- the storm ------------------------------------------------------------------------

    def submit(self) -> None:
        """Submit a job unless enough are waiting; only a 202 counts as accepted."""
        with suppress(requests.RequestException, RedisError):
            if self.jobs.queue_length() < BACKLOG:
                path, fields = "train", self.rng.choice(RECIPES)
                sweeps, others = divmod(len(self.accepted), SWEEP_EVERY)
                if others == 0:
                    path, fields = "sweeps", SWEEPS[sweeps % len(SWEEPS)]
                answer = requests.post(f"{self.stack.url}/{path}", json=fields, timeout=30)
                if answer.status_code == 202:
                    self.accepted[answer.json()["id"]] = fields

    def blow(self, seconds: float) -> None:
        """Submit jobs and cause random faults for some seconds; then wait until all jobs end."""
        faults = [
            self.kill_child, self.kill_child, self.kill_worker, self.stop_worker,
            self.pause_worker, self.kill_redis, self.kill_service, self.full_disk,
        ]  # fmt: skip
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.submit()
            time.sleep(self.rng.uniform(0.5, 3))
            self.submit()
            fault = self.rng.choice(faults)
            self.faults[fault.__name__] = self.faults.get(fault.__name__, 0) + 1
            fault()
        patience_s = 300 + 60 * len(self.accepted)  # a sweep is many jobs
        wait_until(lambda: all_over(self.jobs), seconds=patience_s, what="the last job")

    def report(self) -> dict[str, Any]:
        """Check every accepted job and return counts; those in `MUST_BE_0` must be 0."""
        counts: dict[str, Any] = dict.fromkeys(
            ("accepted", "completed", *MUST_BE_0, "sweeps", "trials", "pruned"), 0
        )
        counts["found"] = []
        listed = self._get("/models?limit=1000")
        trained = [card["job"] for card in listed["models"]]
        known = set(self.accepted)
        for id, fields in self.accepted.items():
            expected = expect(fields)
            counts["accepted"] += 1
            job = self.stack.job(id)
            if job["status"] != "succeeded":
                counts["lost"] += 1
                continue
            counts["completed"] += 1
            if is_sweep(fields):
                counts["completed_twice"] += self._ends(id) != 1
                sweep = view_of_sweep(self._get(f"/sweeps/{id}"))
                self._count_trials(sweep, expected, counts)
                if sweep["winner"] is None:
                    continue  # it is counted as lost
                known.add(sweep["winner"])
                job = self.stack.job(sweep["winner"])
            counts["completed_twice"] += self._ends(job["id"]) != 1
            counts["completed_twice"] += trained.count(job["id"]) != 1
            if expected:
                card = self._get(f"/models/{job['model']}")
                result = card["weights"]["sha256"], card["steps"]["sha256"]
                counts["other_results"] += result != expected[:2]
                counts["gaps"] += not self._has_points(job["id"], expected)
        counts["models_without_a_job"] = sum(job not in known for job in trained)
        counts["damaged_models"] = len(listed["damaged"])
        times = sorted(self.recoveries)
        if times:
            middle, longest = round(times[len(times) // 2], 1), round(times[-1], 1)
            counts["child_killed_to_running_again_s"] = {"median": middle, "max": longest}
        return {**counts, "faults": self.faults}

    def _count_trials(
        self, sweep: dict[str, Any], expected: Expected | None, counts: dict[str, Any]
    ) -> None:
        """Check the trials of a sweep that has succeeded, and add to the counts."""
        trainings = [one for one in self._all_jobs() if one["sweep"] == sweep["id"]]
        for violation in check_sweep(sweep, trainings, expected):
            counts[COUNTED[violation.kind]] += 1
            counts["found"].append(violation.text)
        wanted = expected.trials if expected else ()
        for trial, undisturbed in zip(sweep["jobs"], wanted, strict=False):
            counts["gaps"] += not self._has_points(trial, undisturbed)
        counts["sweeps"] += 1
        counts["trials"] += len(sweep["jobs"])
        counts["pruned"] += sum(one["pruned"] for one in trainings)

    def _get(self, path: str) -> Any:
        return requests.get(self.stack.url + path, timeout=30).json()

    def _all_jobs(self) -> list[dict[str, Any]]:
        jobs, after = [], ""
        while True:
            page = self._get(f"/jobs?limit=100{after}")
            jobs += map(view, page["jobs"])
            if page["next"] is None:
                return jobs
            after = f"&after={page['next']}"

    def _ends(self, id: str) -> int:
        """Return how often a job has succeeded."""
        events = read_events(self.jobs, id)
        return sum(one.type == "status" and '"succeeded"' in one.data for one in events)

    def _has_points(self, id: str, expected: Expected | ExpectedTrial) -> bool:
        """Tell whether the events of a training have all figures of an undisturbed one, once."""
        events = read_events(self.jobs, id)
        for type, name, points in (
            ("epoch", "epoch", expected.epochs),
            ("loss", "samples", expected.losses),
        ):
            figures = [json.loads(one.data) for one in events if one.type == type]
            if [[one[name], one["train_loss"]] for one in figures] != [*map(list, points)]:
                return False
        return True


def _signal(pids: list[int], number: int) -> None:
    """Send a signal to those processes that have not ended."""
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, number)


MUST_BE_0 = (
    "completed_twice", "lost", "other_results", "gaps", "models_without_a_job", "damaged_models",
)  # fmt: skip
COUNTED = {
    "lost": "lost",
    "doubled": "completed_twice",
    "differing": "other_results",
    "illegal": "gaps",
}


def run_storm(folder: Path, seconds: float, seed: int) -> dict[str, Any]:
    """Start a stack in a folder, run a storm, and return its report."""
    with stack_in(folder) as stack:
        storm = Storm(stack, seed)
        storm.blow(seconds)
        return storm.report()


def main() -> int:
    """Run a storm and print its report; return 1 if a count that must be 0 is not."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=900)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        report = run_storm(Path(folder) / "storm", arguments.seconds, arguments.seed)
    print(json.dumps(report, indent=1))
    return int(any(report[name] for name in MUST_BE_0))


if __name__ == "__main__":
    sys.exit(main())
