"""Measure the cost of many open event streams.

    python -m benchmarks.serving.streams [--streams 1000] [--quick]

A whole Stepbox runs on two cores, and its worker trains all the time. wrk and the process that
reads all streams run on the same cores. This prints

- how many streams could be opened, and the number of Redis connections before and with them;
- the time that the event of an epoch takes from Redis to the last stream;
- the rate of single predictions at 16 connections with the streams open, divided by the mean of
  the rates before they are opened and after they are closed;
- with the streams open again, the time that the service takes to stop after SIGTERM, and whether
  the requests in flight got complete answers.
"""

import argparse
import asyncio
import http.client
import io
import json
import time
from concurrent.futures import ThreadPoolExecutor
from statistics import median

import numpy as np

from benchmarks.installation import Installation, run_stepbox
from benchmarks.job import start_job, wait_until_running
from benchmarks.serving.contenders import STEPBOX
from benchmarks.serving.deployment import CACHE, Deployment, prepare_bench
from benchmarks.serving.load import run_wrk, wrk_command
from benchmarks.serving.model import NETWORKS, Served, serve_model
from benchmarks.serving.processes import memory
from jobs.connection import connect

IN_FLIGHT = 4
LONG_JOB = {"recipe": "fashion-mnist-torch", "epochs": 1000}


class Streams:
    """Many open event streams of one job.

    Attributes
    ----------
    refused
        Status lines of the streams that could not be opened.
    broken
        Number of streams whose connection broke.
    arrivals
        For the event of each epoch, the delay from Redis to each stream, in seconds.
    last_end
        Value of `time.perf_counter` when a stream last ended.
    """

    def __init__(self, port: int, job: str) -> None:
        self.refused: list[str] = []
        self.broken = 0
        self.arrivals: dict[str, list[float]] = {}
        self.last_end = 0.0
        self._address = ("127.0.0.1", port)
        self._request = f"GET /jobs/{job}/events HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()
        self._readers: list[asyncio.Task[None]] = []
        self._open = 0
        self._opened_at = 0.0

    async def open(self, count: int) -> int:
        """Open streams, fifty at a time; return how many could be opened."""
        self._opened_at = time.time()
        gate = asyncio.Semaphore(50)
        await asyncio.gather(*(self._open_one(gate) for _ in range(count)))
        self._opened_at = time.time()  # ignore earlier events: they arrive when a stream opens
        return len(self._readers)

    async def _open_one(self, gate: asyncio.Semaphore) -> None:
        async with gate:
            try:
                reader, writer = await asyncio.open_connection(*self._address)
                writer.write(self._request)
                status = (await asyncio.wait_for(reader.readline(), 30)).decode().strip()
            except (OSError, TimeoutError) as error:
                status = type(error).__name__
        if " 200 " in status:
            self._readers.append(asyncio.create_task(self._read(reader, writer)))
        else:
            self.refused.append(status)

    async def _read(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        event_id = ""
        try:
            async for line in reader:
                if line.startswith(b"id: "):
                    event_id = line[4:].decode().strip()
                elif line.startswith(b"event: epoch"):
                    happened = int(event_id.partition("-")[0]) / 1000
                    if happened > self._opened_at:
                        self.arrivals.setdefault(event_id, []).append(time.time() - happened)
        except OSError:
            self.broken += 1
        finally:
            self.last_end = time.perf_counter()
            writer.close()

    def left(self) -> int:
        """Return the number of streams that are still open."""
        return sum(not reader.done() for reader in self._readers)

    async def close(self) -> None:
        """Close all streams from the client's side."""
        for reader in self._readers:
            reader.cancel()
        await asyncio.gather(*self._readers, return_exceptions=True)


def in_flight(port: int, body: bytes) -> str:
    """Send one request for many predictions; return a summary of the answer or the error."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        connection.request("POST", "/predict", body, {"Content-Type": "application/x-npy"})
        answer = connection.getresponse()
        return f"{answer.status} with {len(json.loads(answer.read())['predictions']):,} predictions"
    except (OSError, ValueError, KeyError, http.client.HTTPException) as error:
        return type(error).__name__
    finally:
        connection.close()


def redis_connections(stepbox: Installation) -> int:
    """Return the number of Redis connections, without the one that this call opens."""
    with connect(stepbox.settings()) as client:
        return int(client.info("clients")["connected_clients"]) - 1


async def show_stop(stepbox: Installation, job: str, count: int, served: Served) -> None:
    """Print how the service stops with streams open and requests in flight."""
    streams = Streams(stepbox.port, job)
    opened = await streams.open(count)
    body = io.BytesIO()
    np.save(body, np.tile(served.images, (100, 1, 1)))
    loop = asyncio.get_running_loop()
    with ThreadPoolExecutor(IN_FLIGHT + 1) as threads:
        asked = [
            loop.run_in_executor(threads, in_flight, stepbox.port, body.getvalue())
            for _ in range(IN_FLIGHT)
        ]
        await asyncio.sleep(0.05)
        started = time.perf_counter()
        await loop.run_in_executor(threads, stepbox.stop_service)
        seconds = time.perf_counter() - started
        answers = await asyncio.gather(*asked)
    await asyncio.sleep(0.5)
    print(f"SIGTERM with {opened:,} streams open: stopped after {seconds:.2f} s")
    print(f"  the {IN_FLIGHT} requests in flight (10,000 images each): {'; '.join(answers)}")
    print(
        f"  streams: the last ended after {streams.last_end - started:.2f} s; "
        f"{streams.broken} connections broke, {streams.left()} still open"
    )
    await streams.close()


async def measure(
    stepbox: Installation, deployment: Deployment, count: int, seconds: float
) -> None:
    """Print all figures."""
    job = start_job(stepbox.url, **LONG_JOB)
    wait_until_running(stepbox.url, job)
    url = f"{stepbox.url}/predict"
    command = wrk_command(url, 16, seconds, deployment.contender.content_type, deployment.bodies)
    await asyncio.to_thread(run_wrk, command)  # warm up
    connections = redis_connections(stepbox)
    before = await asyncio.to_thread(run_wrk, command)
    streams = Streams(stepbox.port, job)
    started = time.perf_counter()
    opened = await streams.open(count)
    print(f"{opened:,} of {count:,} streams opened in {time.perf_counter() - started:.1f} s")
    for status in sorted(set(streams.refused)):
        print(f"  {streams.refused.count(status):,} refused: {status}")
    meanwhile = await asyncio.to_thread(run_wrk, command)
    await asyncio.sleep(seconds)
    with_streams = redis_connections(stepbox)
    print(f"connections of Redis: {connections} before, {with_streams} with the streams")
    print(f"memory of all processes: {memory() / 1e6:,.0f} MB; {streams.broken} streams broken")
    complete = [times for times in streams.arrivals.values() if len(times) == opened]
    last = [max(times) for times in complete]
    if last:
        print(
            f"epochs seen by all: {len(last)} of {len(streams.arrivals)}; delay to the last "
            f"stream: {median(last):.3f} s (median), {max(last):.3f} s (maximum)"
        )
    await streams.close()
    await asyncio.sleep(1)
    after = await asyncio.to_thread(run_wrk, command)
    ratio = meanwhile.rate / ((before.rate + after.rate) / 2)
    print(
        f"predictions at 16 connections: {before.rate:,.0f}/s before, {meanwhile.rate:,.0f}/s with "
        f"the streams, {after.rate:,.0f}/s after: {ratio:.2f} of the rate without them; errors: "
        f"{before.errors}, {meanwhile.errors}, {after.errors}"
    )
    await show_stop(stepbox, job, count, deployment.served)


def main() -> None:
    """Start a Stepbox, and print all figures."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--streams", type=int, default=1_000)
    parser.add_argument("--quick", action="store_true", help="measure for 2 s, not 8 s")
    arguments = parser.parse_args()
    prepare_bench()
    deployment = Deployment(
        STEPBOX, CACHE, serve_model(CACHE / "models" / "dense", NETWORKS["dense"])
    )
    deployment.prepare()
    with run_stepbox(deployment.served.models_dir) as stepbox:
        seconds = 2 if arguments.quick else 8
        asyncio.run(measure(stepbox, deployment, arguments.streams, seconds))


if __name__ == "__main__":
    main()
