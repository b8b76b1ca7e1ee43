"""Counts that the processes of the API share: each adds to a file of its own, any of them sums.

An addition is one of a double in mapped memory. prometheus_client's own files for many processes
cost ten times as much, which a prediction would feel. What a process has added outlives it,
however it ends.
"""

import json
import mmap
import os
import shutil
import tempfile
from pathlib import Path
from threading import Lock

FOLDER = "STEPBOX_TALLY_DIR"  # in the environment of all processes that count together
MOST = 2**16  # numbers in a file; those not in use take no memory
BYTES = 8 * MOST

Key = tuple[str | int, ...]


def make_folder() -> None:
    """Let this process's children count together, in memory."""
    memory = Path("/dev/shm")
    os.environ[FOLDER] = tempfile.mkdtemp(
        prefix="stepbox-tally-", dir=memory if memory.is_dir() else None
    )


def remove_folder() -> None:
    """Forget what was counted."""
    if folder := os.environ.pop(FOLDER, None):
        shutil.rmtree(folder, ignore_errors=True)


class Tally:
    """Numbers by key, of this process.

    The file holds ``MOST`` doubles and behind them, one line of JSON each, the keys in use with
    how many numbers each has. Add to a block's numbers while `lock` is held.

    Parameters
    ----------
    folder
        Where the files of all processes lie.
    """

    def __init__(self, folder: Path) -> None:
        self.lock = Lock()
        self._blocks: dict[Key, memoryview[float]] = {}
        self._used = 0
        self._file, _ = tempfile.mkstemp(prefix=f"{os.getpid()}-", suffix=".tally", dir=folder)
        os.truncate(self._file, BYTES)
        os.lseek(self._file, 0, os.SEEK_END)
        self._numbers = memoryview(mmap.mmap(self._file, BYTES)).cast("d")

    def block(self, key: Key, size: int = 1) -> "memoryview[float]":
        """Give the numbers of a key, zeros at first; what finds no room is in no file."""
        return self._blocks.get(key) or self._new_block(key, size)

    def _new_block(self, key: Key, size: int) -> "memoryview[float]":
        with self.lock:
            if key in self._blocks:  # by another thread, just now
                return self._blocks[key]
            if self._used + size > MOST:
                return memoryview(bytearray(8 * size)).cast("d")
            block = self._blocks[key] = self._numbers[self._used : self._used + size]
            self._used += size
            os.write(self._file, json.dumps([key, size]).encode() + b"\n")
            return block


def totals(folder: Path) -> dict[Key, list[float]]:
    """Sum the numbers of all processes, those that have ended too."""
    sums: dict[Key, list[float]] = {}
    for path in folder.glob("*.tally"):
        with path.open("rb") as file:
            file.seek(BYTES)
            lines = file.read().splitlines(keepends=True)
            entries = [json.loads(line) for line in lines if line.endswith(b"\n")]
            file.seek(0)
            numbers = memoryview(file.read(8 * sum(size for _, size in entries))).cast("d")
        at = 0
        for key, size in entries:
            block = numbers[at : at + size].tolist()
            before = sums.get(tuple(key), [0.0] * size)
            sums[tuple(key)] = [a + b for a, b in zip(before, block, strict=True)]
            at += size
    return sums
