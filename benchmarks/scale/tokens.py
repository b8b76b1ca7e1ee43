"""Measure what real Celery workers cost Redis: at startup, idle, and with tokens.

    python -m benchmarks.scale.tokens [--workers 1,2,4] [--tokens 500] [--seconds 10]

This starts a Redis and real workers, without the API. For each number of workers, it prints

- the CPU time that a worker needs to start, its memory, and its connections to Redis;
- what an idle worker costs Redis each second: CPU time, commands and bytes;
- the CPU time of Redis and of the worker for a token that finds no job: it is sent and taken, and
  the claim answers that there is none.
"""

import argparse
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

from benchmarks.jobs import run_redis
from benchmarks.scale.installation import run_worker, settings_of
from benchmarks.scale.usage import Usage, family
from benchmarks.serving.deployment import prepare_bench
from benchmarks.serving.processes import Server, memory_of, processor_seconds
from jobs.queue import QUEUE, make_celery, send_token
from jobs.settings import Settings
from jobs.store import JobStore

START_S = 300


def wait_for_workers(jobs: JobStore, servers: list[Server]) -> None:
    """Wait until all workers send heartbeats."""
    while len(jobs.workers()) < len(servers):
        for server in servers:
            server.check(lines=5)
            if time.perf_counter() - server.started > START_S:
                sys.exit(f"a worker has sent no heartbeat in {START_S} s")
        time.sleep(0.1)


def use_tokens(jobs: JobStore, settings: Settings, tokens: int) -> None:
    """Send tokens, and wait until the workers have taken them all."""
    app = make_celery(settings)
    for _ in range(tokens):
        send_token(app)
    while jobs.redis.llen(QUEUE):
        time.sleep(0.05)


def show(number: int, tokens: int, seconds: float) -> None:
    """Print the figures for a number of workers."""
    with run_redis() as jobs, tempfile.TemporaryDirectory() as place, ExitStack() as stack:
        settings = settings_of(jobs, Path(place))
        before = jobs.redis.info("clients")["connected_clients"]
        servers = [
            stack.enter_context(run_worker(settings, f"w{one}", Path(place)))
            for one in range(number)
        ]
        wait_for_workers(jobs, servers)
        pids = [pid for server in servers for pid in family(server.process.pid)]
        started = processor_seconds(pids)
        time.sleep(5)  # the last of the start
        connections = jobs.redis.info("clients")["connected_clients"] - before
        first, spent, then = Usage.of(jobs.redis), processor_seconds(pids), time.perf_counter()
        time.sleep(seconds)
        idle, elapsed = Usage.of(jobs.redis).since(first), time.perf_counter() - then
        each = elapsed * number
        idle_cpu = processor_seconds(pids) - spent
        first, spent, then = Usage.of(jobs.redis), processor_seconds(pids), time.perf_counter()
        use_tokens(jobs, settings, tokens)
        busy, length = Usage.of(jobs.redis).since(first), time.perf_counter() - then
        # What the workers cost anyway is no cost of the tokens.
        redis_us = 1e6 * (busy.cpu_s - idle.cpu_s * length / elapsed) / tokens
        worker_us = 1e6 * (processor_seconds(pids) - spent - idle_cpu * length / elapsed) / tokens
        print(
            f"{number} workers\n"
            f"  start of one: {started / number:.2f} s of CPU time; "
            f"memory: {memory_of(pids) / number / 1e6:.0f} MB; "
            f"connections of Redis: {connections / number:.1f}\n"
            f"  an idle one, each second: Redis {1e6 * idle.cpu_s / each:.0f} µs, "
            f"{idle.commands / each:.1f} commands, "
            f"{(idle.sent + idle.received) / each / 1e3:.2f} kB; "
            f"the worker {1000 * idle_cpu / each:.1f} ms\n"
            f"  a token: Redis {redis_us:.0f} µs, the worker {worker_us:.0f} µs; "
            f"{tokens / length:,.0f} tokens/s"
        )


def main() -> None:
    """Print the figures for each number of workers."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--workers", default="1,2,4", help="numbers of workers")
    parser.add_argument("--tokens", type=int, default=500)
    parser.add_argument("--seconds", type=float, default=10)
    chosen = parser.parse_args()
    prepare_bench()
    for number in map(int, chosen.workers.split(",")):
        show(number, chosen.tokens, chosen.seconds)


if __name__ == "__main__":
    main()
