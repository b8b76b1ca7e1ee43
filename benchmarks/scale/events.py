"""Measure the fan-out of events: one job that many follow, and many jobs that one follows each.

    python -m benchmarks.scale.events [--streams 1,50,200] [--events 200]

This starts a Redis and one process of the API, and opens event streams. Jobs report progress with
the function that workers call. It prints, for each number of streams of one job, and of as many
jobs, the CPU time of the API and of Redis for each event that a client received, and the time from
a report until the last client had its event.
"""

import argparse
import asyncio
import tempfile
import time
from pathlib import Path
from statistics import median

from benchmarks.jobs import PROGRESS, run_redis
from benchmarks.scale.installation import run_service, settings_of
from benchmarks.scale.usage import Usage, family
from benchmarks.serving.deployment import prepare_bench
from benchmarks.serving.processes import processor_seconds
from jobs.claim import Claim
from jobs.store import JobStore
from stepbox.training.presets import RECIPES
from worker.owner import this_process

PATIENCE_S = 60


class Followers:
    """Open event streams.

    Attributes
    ----------
    received
        Number of progress events that all of them together have received.
    """

    def __init__(self, port: int) -> None:
        self.received = 0
        self._port = port
        self._readers: list[asyncio.Task[None]] = []

    async def open(self, job: str) -> None:
        """Open a stream of a job, and wait for its first event."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        writer.write(f"GET /jobs/{job}/events HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        assert b" 200 " in await reader.readline()
        while not (await reader.readline()).startswith(b"event: "):
            pass
        self._readers.append(asyncio.create_task(self._read(reader, writer)))

    async def _read(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async for line in reader:
                self.received += line == b"event: progress\n"
        finally:
            writer.close()

    async def wait_for(self, number: int) -> None:
        """Wait until they have received this many events."""
        deadline = time.perf_counter() + PATIENCE_S
        while self.received < number:
            assert time.perf_counter() < deadline, f"{self.received} of {number} events"
            await asyncio.sleep(0.001)

    async def close(self) -> None:
        """Close all streams."""
        for reader in self._readers:
            reader.cancel()
        await asyncio.gather(*self._readers, return_exceptions=True)


def start(jobs: JobStore, number: int) -> list[Claim]:
    """Start jobs."""
    claims = []
    for _ in range(number):
        jobs.submit(RECIPES["mnist-numpy"], samples=60_000, queue_limit=10**9)
        claim = jobs.claim(this_process(), "w")
        assert claim is not None
        claims.append(claim)
    return claims


async def measure(
    jobs: JobStore, port: int, pids: list[int], streams: int, claims: list[Claim], events: int
) -> str:
    """Open streams of these jobs in turn, let each report, and return the figures."""
    followers = Followers(port)
    for number in range(streams):
        await followers.open(claims[number % len(claims)].job)
    rounds = events if len(claims) == 1 else max(1, 2 * events // len(claims))
    before, spent, delays = Usage.of(jobs.redis), processor_seconds(pids), []
    for number in range(1, rounds + 1):
        for claim in claims:
            reported = time.perf_counter()
            jobs.report(claim, PROGRESS)
        await followers.wait_for(number * streams)
        delays.append(time.perf_counter() - reported)
    used, cpu_s = Usage.of(jobs.redis).since(before), processor_seconds(pids) - spent
    await followers.close()
    return (
        f"{1e6 * cpu_s / (rounds * streams):14,.0f}{1e6 * used.cpu_s / (rounds * streams):14,.0f}"
        f"{1000 * median(delays):12,.1f}"
    )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--streams", default="1,50,200", help="numbers of streams")
    parser.add_argument("--events", type=int, default=200, help="reports of one job")
    chosen = parser.parse_args()
    prepare_bench()
    head = f"{'API, µs':>14}{'Redis, µs':>14}{'last, ms':>12}"
    print(f"{'an event of':10}{'one job':>40}{'as many jobs':>40}\n{'streams':>10}{head}{head}")
    with run_redis() as jobs, tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        settings = settings_of(jobs, folder)
        with run_service(settings, folder, STEPBOX_PROCESSES="1") as (server, url):
            port, pids = int(url.rpartition(":")[2]), family(server.process.pid)
            for streams in map(int, chosen.streams.split(",")):
                line = f"{streams:10,}"
                for number in (1, streams):
                    claims = start(jobs, number)
                    line += asyncio.run(measure(jobs, port, pids, streams, claims, chosen.events))
                    for claim in claims:
                        jobs.finish(claim, "cancelled")
                print(line)


if __name__ == "__main__":
    main()
