"""Checkpoints, from which a training can be resumed. Each is an object under its job's prefix.

    {job}/e{epochs done}-s{samples done}-f{fence}    a safetensors file of the trainer's state
    {job}/steps-{first}-{last}-f{fence}              a part of the record of its steps
    {job}/logits-{first}-{end}                       what a prediction has computed of a block

The job's record names its current checkpoint. The fence is a number that increases with each
attempt. An attempt, even one that was paused, removes no checkpoint with a higher fence.

The record of the steps only grows, so each checkpoint writes what is new, and names all parts. They
stay until the job has ended. The header of a file has a checksum of its arrays, except in
checkpoints of earlier versions.

The checkpoints of a prediction are the logits of its blocks. All attempts at it compute the same,
so it does not matter which of them has written a block.
"""

import hashlib
import json
import re
import time
from collections.abc import Collection, Mapping
from pathlib import Path

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load, save

from stepbox.errors import DamagedModelError
from stepbox.nn.activations import Array
from stepbox.store.objects import ObjectStore, object_store

NAME = re.compile(r"e\d+-s\d+-f(?P<fence>\d+)")
PART = re.compile(r"steps-\d+-\d+-f\d+")
CHECKSUM = "sha256"  # in the header's metadata
MOST_BYTES = 2**32  # limit of a checkpoint; the largest network takes 65 MB


class CheckpointStore:
    """The checkpoints of all jobs.

    Parameters
    ----------
    place
        An object store, or a folder, which is created with the first checkpoint.
    """

    def __init__(self, place: ObjectStore | Path) -> None:
        self._objects = object_store(place)

    def save(self, job: str, fence: int, state: Mapping[str, Array]) -> str:
        """Write a trainer's state and return the checkpoint's name.

        Parameters
        ----------
        job, fence
            The job, and the number of the attempt.
        state
            As `Trainer.state` returns it, perhaps with other arrays; its ``position`` is (epochs
            done, samples done).
        """
        epochs, samples = state["position"]
        return self._write(job, f"e{epochs}-s{samples}-f{fence}", state)

    def save_part(self, job: str, fence: int, part: Mapping[str, Array]) -> None:
        """Write a part of the record of the steps, as `Recorder.part` returns it.

        `job` and `fence` are those of `save`.
        """
        first, last = part["steps"]
        self._write(job, _part_name(first, last, fence), part)

    def load_part(self, job: str, first: int, last: int, fence: int) -> dict[str, Array] | None:
        """Read the part of these steps and this attempt; None if it is missing or damaged."""
        return self.load(job, _part_name(first, last, fence))

    def load(self, job: str, name: str) -> dict[str, Array] | None:
        """Read a checkpoint; None if it is missing or damaged."""
        try:
            data = self._objects.get(f"{job}/{name}", MOST_BYTES)
            arrays = dict(load(data))
        except (OSError, DamagedModelError, SafetensorError):
            return None
        return arrays if _stored_sha256(data) in (None, _sha256(arrays)) else None

    def save_logits(self, job: str, first: int, end: int, logits: Array) -> None:
        """Write the logits of the samples first..end−1, shape (end − first, classes)."""
        self._write(job, f"logits-{first}-{end}", {"logits": logits})

    def load_logits(self, job: str, first: int, end: int) -> Array | None:
        """Read the logits of the samples first..end−1; None if they are missing or damaged."""
        arrays = self.load(job, f"logits-{first}-{end}")
        return None if arrays is None else arrays.get("logits")

    def prune(self, job: str, fence: int, keep: Collection[str | None]) -> None:
        """Remove the checkpoints of this attempt and earlier ones, except names in `keep`."""
        for entry in self._objects.names(job):
            name = NAME.fullmatch(entry)
            if PART.fullmatch(entry) or entry in keep:
                continue
            if name is None or int(name["fence"]) <= fence:
                self._objects.delete(f"{job}/{entry}")

    def drop(self, job: str) -> None:
        """Remove all checkpoints of a job."""
        self._objects.delete_all(job)

    def damaged(self) -> list[str]:
        """Read all checkpoints; return the job and the name of each that is damaged."""
        return [
            f"{job}/{name}"
            for job in self.jobs()
            for name in self._objects.names(job)
            if self.load(job, name) is None
        ]

    def ages(self) -> dict[str, float]:
        """Map each job that has checkpoints to the time since the last was written, in s."""
        now, ages = time.time(), dict[str, float]()
        for entry in self._objects.entries():
            job, age = entry.key.partition("/")[0], now - entry.modified
            ages[job] = min(age, ages.get(job, age))
        return ages

    def jobs(self) -> list[str]:
        """List the jobs that have checkpoints."""
        return self._objects.names()

    def _write(self, job: str, name: str, arrays: Mapping[str, Array]) -> str:
        whole = {key: np.ascontiguousarray(array) for key, array in arrays.items()}
        self._objects.put(f"{job}/{name}", save(whole, {CHECKSUM: _sha256(whole)}))
        return name


def _part_name(first: int, last: int, fence: int) -> str:
    return f"steps-{first}-{last}-f{fence}"


def _sha256(arrays: Mapping[str, Array]) -> str:
    """Compute the checksum of contiguous arrays, with their names, types and shapes."""
    digest = hashlib.sha256()
    for name, array in sorted(arrays.items()):
        digest.update(f"{name} {array.dtype.str} {array.shape}\n".encode())
        digest.update(array.reshape(-1).data)
    return digest.hexdigest()


def _stored_sha256(data: bytes) -> str | None:
    """Return the checksum in the header of a file that could be decoded; None if it has none."""
    length = int.from_bytes(data[:8], "little")
    checksum: str | None = json.loads(data[8 : 8 + length]).get("__metadata__", {}).get(CHECKSUM)
    return checksum
