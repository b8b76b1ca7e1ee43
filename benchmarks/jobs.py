"""Measure the memory that the records of jobs take in Redis, and the time to list many jobs.

    python -m benchmarks.jobs [--jobs 100000]

This starts a Redis and prints:

1. The memory of a succeeded job of 3 epochs, and of one of 1,000: at its end, and after 7 days,
   when its events have expired.
2. The time to list a page of 20 jobs, out of 1,000 jobs and out of all jobs. For comparison, the
   time to look for failed jobs without an index, by reading all records. The scripts in
   `jobs/lua/` create the jobs. Every 500th is queued, and the others are cancelled.
3. The time to build the index of all jobs, and the longest time for which this blocks Redis. The
   index is built once, after an upgrade from a version that had none.
"""

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import cast, get_args

import numpy as np

from benchmarks.serving.processes import Server, free_port
from jobs.connection import connect
from jobs.reader import INDEXED_AT_ONCE
from jobs.record import Job, Status
from jobs.settings import Settings
from jobs.store import JobStore
from stepbox.data.builtin import DATASETS
from stepbox.training.presets import RECIPES
from stepbox.training.report import HistoryEntry, Progress
from worker.owner import this_process

FEW = 1_000
LIMIT = 20
RUNS = 20
AT_ONCE = 1_000
WAITING_EACH = 500
PROGRESS = {
    "epoch": 3,
    "epochs": 3,
    "samples": 180_000,
    "samples_total": 180_000,
    "fraction": 1.0,
    "eta_seconds": 0.0,
}


@contextmanager
def run_redis() -> Iterator[JobStore]:
    """Run a Redis in a temporary folder, only for this benchmark."""
    with tempfile.TemporaryDirectory() as folder:
        port = free_port()
        environment = {
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "STEPBOX_REDIS_DIR": folder,
            "STEPBOX_REDIS_PORT": str(port),
        }
        server = Server("bin/redis-local", environment, Path(folder) / "log")
        password = Path(folder) / "credentials" / "password"
        try:
            while "Ready to accept connections" not in server.log.read_text():
                server.check()
                time.sleep(0.05)
            with connect(
                Settings(
                    redis_url=f"redis://stepbox@127.0.0.1:{port}/0", redis_password_file=password
                )
            ) as client:
                yield JobStore(client)
        finally:
            server.stop()


def submit_arguments(recipe: str) -> list[str | int]:
    """Return the arguments of `jobs/lua/submit.lua` after the id, without any limit."""
    return [json.dumps(PROGRESS), 10**9, 0, "", "", "", 0, "kind", "train", "recipe", recipe]


def fill(jobs: JobStore, numbers: range) -> None:
    """Create the jobs with these numbers; delete the events of the cancelled ones."""
    submission = submit_arguments(RECIPES["mnist-numpy"].model_dump_json())
    with jobs.redis.pipeline(transaction=False) as pipeline:

        def run(script: str, *arguments: str | int) -> None:
            jobs._scripts[script](args=list(arguments), client=pipeline)

        for number in numbers:
            id = f"{number:016x}"
            run("submit", id, *submission)
            if number % WAITING_EACH:
                run("cancel", id)
                pipeline.delete(f"events:{id}")
            if number % AT_ONCE == 0:
                pipeline.execute()
        pipeline.execute()


def scan(jobs: JobStore, status: Status) -> list[Job]:
    """List the newest jobs with a status, without an index."""
    found: list[Job] = []
    after = None
    while len(found) < LIMIT:
        page, after = jobs.page(limit=LIMIT + 1, after=after)
        found += [job for job in page if job.status == status]
        if after is None:
            break
    return found[:LIMIT]


def milliseconds(run: Callable[[], object], runs: int = RUNS) -> float:
    """Return the median time of the runs."""
    times = []
    for _ in range(runs):
        start = time.perf_counter()
        run()
        times.append(time.perf_counter() - start)
    return 1000 * median(times)


def show_lists(jobs: JobStore, total: int) -> None:
    """Print the time of a page for few and for many jobs, with and without an index."""
    statuses: tuple[Status, ...] = get_args(Status)
    kinds: dict[str, Callable[[], object]] = {
        "all": lambda: jobs.page(limit=LIMIT),
        **{one: lambda one=one: jobs.page(status=one, limit=LIMIT) for one in statuses},
        "cancelled, from the middle": lambda: jobs.page(status="cancelled", after=str(size // 2)),
    }
    times: dict[int, dict[str, float]] = {}
    scans: dict[int, float] = {}
    done = 0
    for size in (FEW, total):
        fill(jobs, range(done, size))
        done = size
        times[size] = {name: milliseconds(run) for name, run in kinds.items()}
        scans[size] = milliseconds(lambda: scan(jobs, "failed"), runs=1)
    print(f"{'a page of 20, ms':30}{f'{FEW:,} jobs':>14}{f'{total:,} jobs':>14}{'ratio':>8}")
    for name in kinds:
        few, many = (times[size][name] for size in (FEW, total))
        print(f"  {name:28}{few:14.2f}{many:14.2f}{many / few:8.2f}")
    few, many = scans[FEW], scans[total]
    print(f"  {'failed, without an index':28}{few:14.1f}{many:14.1f}{many / few:8.1f}")
    print(f"  without an index, this takes {many / times[total]['failed']:,.0f} times as long")


def show_index(jobs: JobStore, total: int) -> None:
    """Print how long it takes to build the index of all jobs."""
    jobs.redis.delete(*(f"jobs:status:{status}" for status in get_args(Status)))
    longest, start = 0.0, time.perf_counter()
    more = True
    while more:
        before = time.perf_counter()
        more = jobs._run("index", INDEXED_AT_ONCE)
        longest = max(longest, time.perf_counter() - before)
    seconds = time.perf_counter() - start
    print(
        f"the index of {total:,} jobs is built in {seconds:.2f} s, in steps of at most "
        f"{1000 * longest:.1f} ms"
    )


def show_memory(jobs: JobStore) -> None:
    """Print the memory of a short and of a long job."""
    print(f"{'memory in Redis, kB':30}{'at its end':>14}{'after 7 days':>14}")
    for epochs in (3, 1_000):
        id = run_job(jobs, epochs)
        sizes = {key: jobs.redis.memory_usage(key, samples=0) or 0 for key in keys_of(jobs, id)}
        kept = sum(size for key, size in sizes.items() if not key.startswith("events:"))
        print(f"  {f'a job of {epochs:,} epochs':28}{sum(sizes.values()) / 1e3:14.1f}", end="")
        print(f"{kept / 1e3:14.1f}")
        jobs.delete(id)


def run_job(jobs: JobStore, epochs: int) -> str:
    """Run a job through all its transitions, with a report per epoch; return its id."""
    rng = np.random.default_rng(0)
    recipe = RECIPES["mnist-numpy"].model_copy(update={"epochs": epochs})
    samples = DATASETS[recipe.dataset].train.samples
    id = jobs.submit(recipe, samples=samples, queue_limit=10, request_id="0" * 32).id
    claim = jobs.claim(this_process(), "worker@machine")
    assert claim is not None
    jobs.start(claim, "cpu")
    for epoch in range(epochs + 1):
        train_loss, test_loss, accuracy, seconds, eta = map(float, rng.random(5))
        entry = HistoryEntry(
            epoch=epoch,
            train_loss=train_loss if epoch else None,
            test_loss=test_loss,
            test_accuracy=accuracy,
            seconds=seconds,
        )
        progress = Progress(
            epoch=epoch,
            epochs=epochs,
            samples=samples * epoch,
            samples_total=samples * epochs,
            fraction=epoch / epochs,
            eta_seconds=eta,
        )
        jobs.report(claim, progress.model_dump(), entry.model_dump(), f"e{epoch}-s0-f1")
    jobs.decide(claim, "m-000000000000", peak_memory=10**8, better_than_guessing=True)
    jobs.finish(claim, "succeeded")
    return id


def keys_of(jobs: JobStore, id: str) -> Iterator[str]:
    """Find all keys of a job."""
    return cast(Iterator[str], jobs.redis.scan_iter(match=f"*{id}*"))


def main() -> None:
    """Start a Redis, and print all figures."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--jobs", type=int, default=100_000)
    arguments = parser.parse_args()
    with run_redis() as jobs:
        show_memory(jobs)
        show_lists(jobs, arguments.jobs)
        show_index(jobs, arguments.jobs)


if __name__ == "__main__":
    main()
