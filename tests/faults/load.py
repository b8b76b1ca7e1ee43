"""Load the whole stack with a mix of predictions, job queries and submissions.

`python -m tests.faults.load --seconds 60` keeps 64 connections busy while trainings run. It prints
the requests per second, the latencies by kind, and the memory of the API's processes over time.
Every response that is not a success is an error, except a 429 (the queue is full) to a submission.
"""

import argparse
import asyncio
import json
import random
import sys
import tempfile
import time
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any, NamedTuple

import requests

from tests.processes import Process, Stack, stack_in

CONNECTIONS = 64
SAMPLES = 10  # number of memory measurements during a run


class Request(NamedTuple):
    """A kind of request: its share in percent, its bytes, and the allowed statuses."""

    kind: str
    weight: int
    data: bytes
    allowed: tuple[int, ...]


def request(
    kind: str,
    weight: int,
    line: str,
    *allowed: int,
    content_type: str = "application/json",
    body: bytes = b"",
) -> Request:
    """Create a kind of request from its request line and its body."""
    head = f"{line} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n"
    if body:
        head += f"Content-Type: {content_type}\r\n"
    return Request(kind, weight, (head + "\r\n").encode() + body, allowed)


def mix(stack: Stack, job: str) -> list[Request]:
    """Return the kinds of requests."""
    image = requests.get(f"{stack.url}/datasets/mnist/test/0.png", timeout=10).content
    training = json.dumps({"epochs": 1, "hidden_sizes": [4]}).encode()
    return [
        request("predict", 80, "POST /predict", 200, content_type="image/png", body=image),
        request("job", 12, f"GET /jobs/{job}", 200),
        request("jobs", 6, "GET /jobs?limit=20", 200),
        request("train", 2, "POST /train", 202, 429, body=training),
    ]


class Load:
    """Sends the requests, and collects latencies, statuses and errors."""

    def __init__(self, port: int, kinds: list[Request]) -> None:
        self.port = port
        self.kinds = kinds
        self.latencies: dict[str, list[float]] = defaultdict(list)
        self.statuses: Counter[tuple[str, int]] = Counter()
        self.errors: list[str] = []

    async def run(self, seconds: float, process: Process) -> list[list[int]]:
        """Keep all connections busy; return the memory of each process in bytes, over time."""
        end = time.monotonic() + seconds
        busy = [asyncio.create_task(self._connection(seed, end)) for seed in range(CONNECTIONS)]
        memory = [memory_of(process)]
        for _ in range(SAMPLES):
            await asyncio.sleep(seconds / SAMPLES)
            memory.append(memory_of(process))
        await asyncio.gather(*busy)
        return memory

    async def _connection(self, seed: int, end: float) -> None:
        rng = random.Random(seed)
        weights = [kind.weight for kind in self.kinds]
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        while time.monotonic() < end:
            (kind,) = rng.choices(self.kinds, weights)
            started = time.perf_counter()
            try:
                writer.write(kind.data)
                status, body = await asyncio.wait_for(_answer(reader), 30)
            except (OSError, EOFError, TimeoutError) as error:
                self.errors.append(f"{kind.kind}: {error!r}")
                reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
                continue
            self.latencies[kind.kind].append(time.perf_counter() - started)
            self.statuses[kind.kind, status] += 1
            if status not in kind.allowed:
                self.errors.append(f"{kind.kind}: {status} {body[:200]!r}")
        writer.close()


async def _answer(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    length = head.partition(b"\r\ncontent-length: ")[2].partition(b"\r\n")[0]
    return int(head.split()[1]), await reader.readexactly(int(length))


def memory_of(process: Process) -> list[int]:
    """Return the resident memory of each process of the API in bytes, gunicorn's master first."""
    pages = [
        int(Path(f"/proc/{pid}/statm").read_text().split()[1])
        for pid in (process.pid, *process.children())
    ]
    return [count * 4096 for count in pages]


def percentiles(latencies: list[float]) -> dict[str, float]:
    """Return percentiles of the latencies in milliseconds."""
    ordered = sorted(latencies)
    ranks = {"p50": 0.5, "p90": 0.9, "p99": 0.99, "max": 1.0}
    return {
        name: round(1000 * ordered[min(len(ordered) - 1, int(rank * len(ordered)))], 1)
        for name, rank in ranks.items()
    }


def run_load(folder: Path, seconds: float) -> dict[str, Any]:
    """Start a stack in a folder, put load on it, and return the report."""
    with stack_in(folder) as stack:
        stack.start_redis()
        stack.start_worker()
        service = stack.start_service()
        first = stack.train(epochs=1, hidden_sizes=[4])["id"]
        stack.wait_for(first, "succeeded")
        load = Load(stack.port, mix(stack, first))
        memory = asyncio.run(load.run(seconds, service))
        models = requests.get(f"{stack.url}/models?limit=1000", timeout=30).json()["models"]
    count = sum(load.statuses.values())
    return {
        "requests": count,
        "requests_per_second": round(count / seconds),
        "statuses": {f"{kind} {status}": n for (kind, status), n in sorted(load.statuses.items())},
        "latencies_ms": {kind: percentiles(values) for kind, values in load.latencies.items()},
        "memory_mib": [[round(bytes_ / 2**20, 1) for bytes_ in each] for each in memory],
        "trainings_meanwhile": len(models) - 1,
        "errors": len(load.errors),
        "first_errors": load.errors[:10],
    }


def main() -> int:
    """Run the load and print its report; return 1 if there was an error."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=60)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        report = run_load(Path(folder) / "load", arguments.seconds)
    for name, value in report.items():
        print(f"{name}: {json.dumps(value)}")
    return int(report["errors"] > 0)


if __name__ == "__main__":
    sys.exit(main())
