"""Measure how many jobs a second one Redis takes.

    python -m benchmarks.scale.jobs [--workers 1,2,5,10,20,50] [--seconds 5]

This starts a Redis, and as many processes as workers. Each process submits a job, claims the next
one, stores its device, decides its result and ends it, again and again, with the functions that the
API and the workers call. Nothing is trained, and no token is sent: `benchmarks.scale.tokens`
measures the tokens of real Celery workers.

It prints the jobs that ended per second, and the CPU time of Redis and of the processes for each
job. All processes share the cores of this machine, so the CPU time of Redis tells how many jobs it
could take if the processes had cores of their own.
"""

import argparse
import time
from multiprocessing import get_context
from multiprocessing.queues import Queue
from multiprocessing.synchronize import Event

from benchmarks.jobs import run_redis
from benchmarks.scale.usage import Usage
from jobs.store import JobStore
from stepbox.training.presets import RECIPES
from worker.owner import this_process

FORK = get_context("fork")


def run_jobs(jobs: JobStore, name: str, begin: Event, end: Event, done: Queue) -> None:
    """Run empty jobs from ``begin`` to ``end``; return their number and the CPU time used."""
    owner = this_process()
    begin.wait()
    number, started = 0, time.process_time()
    while not end.is_set():
        jobs.submit(RECIPES["mnist-numpy"], samples=60_000, queue_limit=10**9)
        claim = jobs.claim(owner, name)
        assert claim is not None
        jobs.start(claim, "cpu")
        jobs.decide(claim, "m-000000000000", peak_memory=10**8, better_than_guessing=True)
        assert jobs.finish(claim, "succeeded") == "finished"
        number += 1
    done.put((number, time.process_time() - started))


def measure(jobs: JobStore, workers: int, seconds: float) -> tuple[float, float, float]:
    """Return the jobs per second, and the CPU time of Redis and of the clients per job in µs."""
    begin, end, done = FORK.Event(), FORK.Event(), FORK.Queue()
    processes = [
        FORK.Process(target=run_jobs, args=(jobs, f"w{number}", begin, end, done))
        for number in range(workers)
    ]
    for process in processes:
        process.start()
    before, started = Usage.of(jobs.redis), time.perf_counter()
    begin.set()
    time.sleep(seconds)
    end.set()
    counts = [done.get() for _ in processes]
    elapsed = time.perf_counter() - started
    used = Usage.of(jobs.redis).since(before)
    for process in processes:
        process.join()
    number = sum(count for count, _ in counts)
    return (
        number / elapsed,
        1e6 * used.cpu_s / number,
        1e6 * sum(spent for _, spent in counts) / number,
    )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--workers", default="1,2,5,10,20,50", help="numbers of processes")
    parser.add_argument("--seconds", type=float, default=5)
    chosen = parser.parse_args()
    print(f"{'workers':>8}{'jobs/s':>10}{'ratio':>8}{'CPU of Redis, µs':>18}{'of clients, µs':>16}")
    first = 0.0
    with run_redis() as jobs:
        for workers in map(int, chosen.workers.split(",")):
            rate, redis_us, clients_us = measure(jobs, workers, chosen.seconds)
            first = first or rate
            print(
                f"{workers:8}{rate:10,.1f}{rate / first:8.2f}{redis_us:18,.0f}{clients_us:16,.0f}"
            )


if __name__ == "__main__":
    main()
