"""Measure what many workers cost Redis each second, even if no job starts or ends.

    python -m benchmarks.scale.workers [--workers 1,10,100,1000] [--rounds 400]

This starts a Redis, and for each number of workers:

1. sends a heartbeat of each worker, and lets each run one job. The scripts in `jobs/lua/` do this.
2. repeats what they do: the round of each reaper every second, with its heartbeat; the check of the
   leases, which a few workers make every second; the report of each training twice a second.
3. repeats what others ask: for a job that waits, for the list of workers, for the metrics.

It prints the CPU time of Redis for each, the bytes and the commands, and what all workers take
together with their rounds, checks and reports. Redis runs all scripts in one thread, so it breaks
when that needs a whole core.
"""

import argparse
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

from benchmarks.jobs import PROGRESS, run_redis, submit_arguments
from benchmarks.scale.usage import Usage
from jobs.claim import Claim
from jobs.routing import SCHEMA, classes_taken
from jobs.store import JobStore
from jobs.watch import QueueState
from stepbox.training.presets import RECIPES
from worker.owner import dead_owners, this_process

NAME = "worker-{0}@host-{0}"
WATCHING = "boot-{0} worker-{0}@host-{0}"
MEMORY = 16 * 2**30
AT_ONCE = 100
CLIENTS = 16  # Redis writes what several clients send at once to the disk in one step


class Each(NamedTuple):
    """What one call uses: CPU time of Redis in µs, bytes in both directions, and commands."""

    cpu_us: float
    bytes: float
    commands: float


def description(worker: str) -> dict[str, object]:
    """Return a heartbeat as `worker/reaper.py` sends it."""
    return {
        "name": worker,
        "device": {"name": "cpu", "detail": "no CUDA device was found"},
        "versions": {"python": "3.13.0", "numpy": "2.4.0", "torch": "2.12.0", "stepbox": "0.3.0"},
        "stalled": None,
        "memory": MEMORY,
        "schema": SCHEMA,
        "too_old": None,
        "classes": classes_taken("cpu", MEMORY),
        "owner_running": 0,
    }


def start(jobs: JobStore, numbers: range) -> list[Claim]:
    """Let workers with these numbers run a job each."""
    arguments = submit_arguments(RECIPES["mnist-numpy"].model_dump_json())
    claims = []
    for number in numbers:
        worker = NAME.format(number)
        round_of(jobs, number)
        jobs._run("submit", f"{number:016x}", *arguments)
        # Of another machine, so that this one does not find them dead.
        claim = jobs.claim({**this_process(), "boot": f"boot-{number}"}, worker)
        assert claim is not None
        claims.append(claim)
    return claims


def measured(jobs: JobStore, work: Callable[[], object], times: int, workers: int) -> Each:
    """Return what one call of ``work`` uses, as a mean of many, with `CLIENTS` calls at a time.

    Before each hundred calls, the times of all heartbeats are set to now, so that no worker counts
    as gone because it waits for its turn in this program.
    """
    used = Usage(0, 0, 0, 0)
    with ThreadPoolExecutor(CLIENTS) as clients:
        for start in range(0, times, AT_ONCE):
            now = time.time()
            for key, names in (("workers:seen", NAME), ("workers:watching", WATCHING)):
                present = jobs.redis.zrange(key, 0, -1)
                moved = {name: now for name in map(names.format, range(workers)) if name in present}
                jobs.redis.zadd(key, moved)
            before = Usage.of(jobs.redis)
            calls = [clients.submit(work) for _ in range(min(AT_ONCE, times - start))]
            for call in calls:
                call.result()
            spent = Usage.of(jobs.redis).since(before)
            used = Usage(*map(sum, zip(used, spent, strict=True)))
    return Each(
        1e6 * used.cpu_s / times, (used.sent + used.received) / times, used.commands / times
    )


def round_of(jobs: JobStore, number: int) -> QueueState:
    """Do what the reaper of a worker does every second, without the check of the leases."""
    worker = NAME.format(number)
    return jobs.reap(worker, description(worker), dead_owners(jobs), f"boot-{number}")


def report(jobs: JobStore, claim: Claim) -> None:
    """Report a progress as a training does twice a second."""
    assert jobs.report(claim, PROGRESS) == "go on"


def tasks(jobs: JobStore, claims: list[Claim], waiting: str) -> dict[str, Callable[[], object]]:
    """Return what to measure, by name, for as many workers as claims."""
    return {
        "round": lambda: round_of(jobs, len(claims) - 1),
        "check of the leases": jobs.beats,
        "report": lambda: report(jobs, claims[0]),
        "read a waiting job": lambda: jobs.get(waiting),
        "list of workers": jobs.workers,
        "measure": jobs.measure,
    }


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--workers", default="1,10,100,1000", help="numbers of workers")
    parser.add_argument("--rounds", type=int, default=400)
    chosen = parser.parse_args()
    print(f"{'workers':24}{'CPU of Redis, µs':>18}{'ratio':>8}{'commands':>10}{'kB':>10}")
    first: dict[str, float] = {}
    with run_redis() as jobs:
        claims: list[Claim] = []
        for number in map(int, chosen.workers.split(",")):
            claims += start(jobs, range(len(claims), number))
            waiting = jobs.submit(RECIPES["mnist-numpy"], samples=60_000, queue_limit=10).id
            print(f"{number:,}")
            each = {}
            for name, work in tasks(jobs, claims, waiting).items():
                one = each[name] = measured(jobs, work, chosen.rounds, number)
                ratio = one.cpu_us / first.setdefault(name, one.cpu_us)
                print(
                    f"  {name:22}{one.cpu_us:18,.0f}{ratio:8.1f}{one.commands:10,.0f}"
                    f"{one.bytes / 1e3:10,.1f}"
                )
            jobs.cancel(waiting)
            watchers = jobs.redis.zcard("workers:watching")
            times = {"round": number, "check of the leases": watchers, "report": 2 * number}
            cores = sum(times[name] * each[name].cpu_us for name in times) / 1e6
            moved = sum(times[name] * each[name].bytes for name in times) / 1e6
            print(f"  all, each second: {cores:.3f} cores, {moved:.2f} MB ({watchers} watch)")


if __name__ == "__main__":
    main()
