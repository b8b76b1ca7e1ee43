"""Generate load with wrk, over loopback."""

import json
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.serving.processes import processor_seconds

SCRIPT = Path(__file__).with_name("post.lua")


@dataclass(frozen=True)
class Load:
    """The result of a run of wrk.

    Attributes
    ----------
    answers
        Number of answers, without those that count as errors.
    rate
        These answers per second.
    p50_ms, p99_ms
        Median and 99th percentile of the latency.
    errors
        Number of answers whose status is not 2xx or 3xx, plus broken connections and timeouts.
    cpu_us
        CPU time of all processes of the server per answer without an error, in µs.
    """

    answers: int
    rate: float
    p50_ms: float
    p99_ms: float
    errors: int
    cpu_us: float


def require_wrk() -> None:
    """Exit with a message if wrk is missing."""
    if not shutil.which("wrk"):
        sys.exit("This benchmark needs wrk. Run as root: apt-get install wrk")


def wrk_command(
    url: str,
    connections: int,
    seconds: float,
    content_type: str,
    bodies: Sequence[Path],
    headers: Sequence[str] = (),
) -> list[str]:
    """Return the command of a run: one thread posts the bodies in turn on all connections."""
    return [
        *f"wrk -t 1 -c {connections} -d {seconds:g}s --timeout 10s -s {SCRIPT}".split(),
        *(part for header in headers for part in ("-H", header)),
        *(url, "--", content_type, *map(str, bodies)),
    ]


def run_wrk(command: Sequence[str]) -> Load:
    """Run wrk once. All other descendants of this process count as the server."""
    before = processor_seconds()
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    used = processor_seconds() - before
    seen = json.loads(output.splitlines()[-1])
    right = seen["requests"] - seen["refused"]
    return Load(
        answers=right,
        rate=right / seen["seconds"],
        p50_ms=seen["p50_ms"],
        p99_ms=seen["p99_ms"],
        errors=seen["refused"] + seen["broken"],
        cpu_us=used / max(right, 1) * 1e6,
    )
