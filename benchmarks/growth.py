"""Measure what finished jobs cost, in Redis and in the archive.

    python -m benchmarks.growth [--jobs 100000] [--kept 10000]

This starts a Redis, fills it with finished jobs of 3 epochs, whose events have expired, and moves
all but the newest to the archive, in a folder. It prints:

1. The memory of Redis, and of a job in it, before and after.
2. The time to list a page of 20 jobs and to read a job, before and after: this is the ratio of the
   archive to Redis.
3. How long it takes to move the jobs, and how long that blocks Redis at most.
4. The size of the archive, and the memory of the process that has read all of it.
"""

import argparse
import json
import random
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.jobs import AT_ONCE, LIMIT, PROGRESS, milliseconds, run_redis, submit_arguments
from jobs.archiving import Archiver
from jobs.compact import pack
from jobs.store import JobStore
from stepbox.store.folder import FolderStore
from stepbox.training.presets import RECIPES
from worker.owner import this_process

EPOCH = {
    "epoch": 0,
    "train_loss": 0.12795324572936315,
    "test_loss": 0.13267456573219027,
    "test_accuracy": 0.9586,
    "seconds": 4.731646108998575,
    "validation_loss": None,
    "validation_accuracy": None,
    "test_balanced_accuracy": 0.9580312,
    "test_macro_f1": 0.9581013,
    "test_top5_accuracy": None,
}
STATUSES = ("succeeded", "failed", "cancelled")
LOSSES = 180  # within 3 epochs of 60,000 images


def fill(jobs: JobStore, number: int) -> None:
    """Run jobs to their ends, and delete their events."""
    progress = json.dumps(PROGRESS)
    submission = submit_arguments(RECIPES["mnist-numpy"].model_dump_json())
    fields = ["class", "v1", "schema", "1", "request_id", "0" * 32]
    rng = random.Random(0)
    owner = json.dumps(this_process())
    for start in range(0, number, AT_ONCE):
        ids = [f"{place:016x}" for place in range(start, min(start + AT_ONCE, number))]
        with jobs.redis.pipeline(transaction=False) as pipeline:

            def run(script: str, *arguments: str | int, pipeline: Any = pipeline) -> None:
                jobs._run(script, *arguments, pipeline=pipeline)

            for place, id in enumerate(ids):
                run("submit", id, *submission, *fields)
                run("claim", owner, "worker@machine", "", 1)
                run("start", id, "1", "cpu")
                for epoch in range(4):
                    more = [
                        pack("loss", {"samples": 1000 * step, "train_loss": rng.random()})
                        for step in range(1, LOSSES + 1)
                        if epoch == 3
                    ]
                    figures = {"epoch": epoch, "train_loss": rng.random(), "seconds": rng.random()}
                    entry = pack("epoch", EPOCH | figures)
                    checkpoint = f"e{epoch}-s0-f1"
                    lists = [len(more), *more]
                    run("report", id, "1", epoch, progress, "[]", entry, checkpoint, *lists)
                run("decide", id, "1", "model", f"m-{place:012x}", "peak_memory", 10**8)
                run("finish", id, "1", STATUSES[place % 3], "")
                pipeline.delete(f"events:{id}")
            pipeline.execute()


def memory(jobs: JobStore) -> int:
    """Return the bytes that Redis uses for its data."""
    found: Any = jobs.redis.info("memory")
    return int(found["used_memory_dataset"])


def resident() -> int:
    """Return the bytes of this process that are in memory."""
    status = Path("/proc/self/status").read_text()
    return 1024 * int(status.split("VmRSS:")[1].split()[0])


def times(jobs: JobStore, total: int) -> dict[str, float]:
    """Return the median time of each kind of request, in ms."""
    old = f"{total // 10:016x}"
    kinds: dict[str, Callable[[], object]] = {
        "the newest page": lambda: jobs.page(limit=LIMIT),
        "a page of old jobs": lambda: jobs.page(limit=LIMIT, after=str(total // 2)),
        "a page of old failed jobs": lambda: jobs.page(
            limit=LIMIT, after=str(total // 2), status="failed"
        ),
        "a job": lambda: jobs.get(f"{total - 1:016x}"),
        "an old job": lambda: jobs.get(old),
    }
    return {name: milliseconds(run) for name, run in kinds.items()}


def walk(jobs: JobStore) -> int:
    """Count the jobs on all pages."""
    number, after = 0, None
    while True:
        page, after = jobs.page(limit=100, after=after)
        number += len(page)
        if after is None:
            return number


def main() -> None:
    """Print all figures."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--jobs", type=int, default=100_000)
    parser.add_argument("--kept", type=int, default=10_000)
    chosen = parser.parse_args()
    with run_redis() as redis, tempfile.TemporaryDirectory() as folder:
        objects = FolderStore(Path(folder))
        jobs = JobStore(redis.redis, objects)
        empty = memory(jobs)
        fill(jobs, chosen.jobs)
        full, before = memory(jobs) - empty, times(jobs, chosen.jobs)

        longest = 0.0
        run = jobs.archive._run

        def timed(script: str, *arguments: str | int | float, **options: Any) -> Any:
            nonlocal longest
            start = time.perf_counter()
            result = run(script, *arguments, **options)
            if script == "archive":
                longest = max(longest, time.perf_counter() - start)
            return result

        jobs.archive._run = timed
        start = time.perf_counter()
        moved = Archiver(jobs, objects, days=0, most=chosen.kept).clean_up()
        seconds = time.perf_counter() - start
        left = memory(jobs) - empty

        reader = JobStore(redis.redis, objects)
        start = time.perf_counter()
        reader.page(limit=LIMIT, after=str(chosen.jobs // 2))
        first = time.perf_counter() - start
        after = times(reader, chosen.jobs)
        small = resident()
        assert walk(reader) == chosen.jobs
        files = reader.archive.view().files

        print(f"{f'{chosen.jobs:,} finished jobs':30}{'in Redis':>14}{'archived':>14}{'ratio':>8}")
        print(f"  {'memory of Redis, MB':28}{full / 1e6:14.1f}{left / 1e6:14.1f}{left / full:8.2f}")
        size = sum(file.bytes for file in files) / moved
        each = full / chosen.jobs
        print(f"  {'bytes of a job':28}{each:14.0f}{size:14.0f}{size / each:8.2f}")
        for name, ms in before.items():
            print(f"  {name + ', ms':28}{ms:14.2f}{after[name]:14.2f}{after[name] / ms:8.1f}")
        print(f"the first page of old jobs takes {1000 * first:.0f} ms")
        print(
            f"{moved:,} jobs move to {len(files)} files in {seconds:.1f} s, and block Redis for at "
            f"most {1000 * longest:.0f} ms"
        )
        grown = (resident() - small) / 1e6
        print(f"to read all pages adds {grown:.0f} MB to the memory of the process")


if __name__ == "__main__":
    main()
