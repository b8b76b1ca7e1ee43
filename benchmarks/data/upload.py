"""Measure how fast the API receives a large upload, with how much memory, and what others notice.

    python -m benchmarks.data.upload [--megabytes 1024] [--runs 3] [--folder .]

Stepbox runs with its default settings, in a folder on the disk that is measured. The same bytes are
also written to a file there directly, in turns with the uploads. Both end when the disk has them.
On a shared machine, compare the ratios.
"""

import argparse
import http.client
import os
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median, quantiles

from benchmarks.installation import Installation, run_stepbox

MB = 10**6
PIECE = os.urandom(MB)
START = b"\x1f\x8b"  # of a gzip file, as which the import rejects it at once
PERIOD_S = 0.01  # between the requests of another client


def pieces(megabytes: int) -> Iterator[bytes]:
    """Yield the body in pieces of 1 MB."""
    yield START + PIECE[len(START) :]
    for _ in range(megabytes - 1):
        yield PIECE


def write(folder: Path, megabytes: int) -> float:
    """Write the body to a file, and return the seconds that it took."""
    path = folder / "written"
    began = time.perf_counter()
    with path.open("wb", buffering=0) as file:
        for piece in pieces(megabytes):
            file.write(piece)
        os.fsync(file.fileno())
    seconds = time.perf_counter() - began
    path.unlink()
    return seconds


def upload(stepbox: Installation, megabytes: int, *, chunked: bool) -> float:
    """Upload the body, and return the seconds until the job is accepted."""
    headers = {"Content-Type": "application/gzip"}
    if not chunked:
        headers["Content-Length"] = str(megabytes * MB)
    connection = http.client.HTTPConnection("127.0.0.1", stepbox.port)
    began = time.perf_counter()
    connection.request(
        "POST", "/datasets?name=speed", pieces(megabytes), headers, encode_chunked=chunked
    )
    answer = connection.getresponse()
    text = answer.read().decode()
    seconds = time.perf_counter() - began
    connection.close()
    if answer.status != 202:
        raise SystemExit(f"the upload got a {answer.status}: {text}")
    return seconds


class Other(threading.Thread):
    """A client that keeps listing jobs over one connection, and measures each response."""

    def __init__(self, stepbox: Installation) -> None:
        super().__init__()
        self._connection = http.client.HTTPConnection("127.0.0.1", stepbox.port)
        self._ended = threading.Event()
        self.seconds: list[float] = []

    def run(self) -> None:
        """Send requests until `end` is called."""
        while not self._ended.wait(PERIOD_S):
            began = time.perf_counter()
            self._connection.request("GET", "/jobs?limit=1")
            self._connection.getresponse().read()
            self.seconds.append(time.perf_counter() - began)

    def end(self) -> list[float]:
        """Stop, and return the seconds of each response."""
        self._ended.set()
        self.join()
        self._connection.close()
        return self.seconds


def peak_memory(master: int) -> int:
    """Return the largest resident set that a process of the API has had, in bytes."""
    children = Path(f"/proc/{master}/task/{master}/children").read_text().split()
    return max(
        int(line.split()[1]) * 1024
        for pid in [str(master), *children]
        for line in Path(f"/proc/{pid}/status").read_text().splitlines()
        if line.startswith("VmHWM:")
    )


def show_latency(when: str, seconds: list[float]) -> None:
    """Print the median and the 99th percentile of the responses to another client."""
    print(
        f"GET /jobs {when}: median {1000 * median(seconds):.1f} ms, "
        f"99th percentile {1000 * quantiles(seconds, n=100)[-1]:.1f} ms"
    )


def main() -> None:
    """Print the speed, the memory and the latency."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--megabytes", type=int, default=1024)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--folder", type=Path, default=Path(), help="a folder on the disk")
    options = parser.parse_args()
    tempfile.tempdir = str(options.folder.resolve())
    with run_stepbox() as stepbox, tempfile.TemporaryDirectory() as folder:
        other = Other(stepbox)
        other.start()
        time.sleep(5)
        show_latency("without an upload", other.end())
        print(f"before: at most {peak_memory(stepbox.service_pid) / MB:.0f} MB in a process")
        during: list[float] = []
        ratios: dict[bool, list[float]] = {False: [], True: []}
        for _ in range(options.runs):
            for chunked, found in ratios.items():
                written = write(Path(folder), options.megabytes)
                other = Other(stepbox)
                other.start()
                uploaded = upload(stepbox, options.megabytes, chunked=chunked)
                during += other.end()
                found.append(written / uploaded)
                print(
                    f"{'chunked' if chunked else 'with its length':16}"
                    f"{options.megabytes / uploaded:6.0f} MB/s, written directly "
                    f"{options.megabytes / written:6.0f} MB/s: {found[-1]:.0%} of the speed"
                )
        for chunked, found in ratios.items():
            print(f"{'chunked' if chunked else 'with its length':16}median {median(found):.0%}")
        show_latency("during an upload", during)
        print(f"at the end: at most {peak_memory(stepbox.service_pid) / MB:.0f} MB in a process")


if __name__ == "__main__":
    main()
