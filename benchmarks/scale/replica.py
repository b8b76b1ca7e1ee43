"""Measure what it costs to wait for a replica of Redis.

    python -m benchmarks.scale.replica [--jobs 300]

This starts a Redis and a replica of it on this machine, and submits jobs one after the other: in
turns without waiting, and with the setting `STEPBOX_REDIS_REPLICAS=1`. It prints the median time of
a submission and the ratio. Both Redis write to the same disk, and the replica answers without a
network between them: with one, its round-trip time is added.
"""

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

from benchmarks.jobs import run_redis
from benchmarks.serving.processes import Server, free_port
from jobs.store import JobStore
from stepbox.training.presets import RECIPES

PORTION = 20  # jobs before the other kind has its turn


def start_replica(jobs: JobStore, folder: Path) -> Server:
    """Start a replica with the password of the first Redis, and wait until it follows."""
    options = jobs.redis.connection_pool.connection_kwargs
    (folder / "credentials").mkdir()
    (folder / "credentials" / "password").write_text(options["password"])
    environment = {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "STEPBOX_REDIS_DIR": str(folder),
        "STEPBOX_REDIS_PORT": str(free_port()),
        "STEPBOX_REDIS_REPLICA_OF": f"127.0.0.1 {options['port']}",
    }
    server = Server("bin/redis-local", environment, folder / "log")
    while jobs.redis.info("replication").get("slave0", {}).get("state") != "online":
        server.check()
        time.sleep(0.05)
    return server


def submission_ms(jobs: JobStore, replicas: int) -> float:
    """Return the time of a submission."""
    jobs.redis.replicas = replicas
    started = time.perf_counter()
    jobs.submit(RECIPES["mnist-numpy"], samples=60_000, queue_limit=10**9)
    return 1000 * (time.perf_counter() - started)


def main() -> None:
    """Print the times and their ratio."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--jobs", type=int, default=300)
    chosen = parser.parse_args()
    times: dict[int, list[float]] = {0: [], 1: []}
    with run_redis() as jobs, tempfile.TemporaryDirectory() as folder:
        server = start_replica(jobs, Path(folder))
        try:
            for _ in range(chosen.jobs // PORTION):
                for replicas, found in times.items():
                    found += [submission_ms(jobs, replicas) for _ in range(PORTION)]
        finally:
            server.stop()
    alone, confirmed = (median(found) for found in times.values())
    print(f"a submission: {alone:.2f} ms, confirmed by a replica: {confirmed:.2f} ms", end="")
    print(f" ({confirmed / alone:.2f} times as long)")


if __name__ == "__main__":
    main()
