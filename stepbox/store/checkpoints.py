"""Where trainings can be taken up again: one file a checkpoint, in a folder a job.

    {job}/e{epochs done}-s{samples done}-f{fence}    a safetensors file of the trainer's state

A file appears whole, by one rename. Which one counts is not decided here: the job's record names
it. The fence, a number that rises with each attempt, keeps a paused attempt that comes back from
touching what a later one has written.
"""

import re
import shutil
from collections.abc import Collection, Mapping
from contextlib import suppress
from pathlib import Path

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load, save

from stepbox.nn.activations import Array
from stepbox.store.durable import replace_file

NAME = re.compile(r"e\d+-s\d+-f(?P<fence>\d+)")


class CheckpointStore:
    """The checkpoints of all jobs.

    Parameters
    ----------
    folder
        Made with the first checkpoint where it is missing.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def save(self, job: str, fence: int, state: Mapping[str, Array]) -> str:
        """Write a trainer's state and return the checkpoint's name.

        Parameters
        ----------
        job, fence
            Whose state it is, and the number of the attempt.
        state
            As `Trainer.state` returns it; its ``position`` is (epochs done, samples done).
        """
        epochs, samples = state["position"]
        name = f"e{epochs}-s{samples}-f{fence}"
        folder = self.folder / job
        folder.mkdir(parents=True, exist_ok=True)
        replace_file(folder / name, save({k: np.ascontiguousarray(v) for k, v in state.items()}))
        return name

    def load(self, job: str, name: str) -> dict[str, Array] | None:
        """Read a checkpoint; None where it is missing or damaged."""
        try:
            return dict(load((self.folder / job / name).read_bytes()))
        except (OSError, SafetensorError):
            return None

    def prune(self, job: str, fence: int, keep: Collection[str | None]) -> None:
        """Remove what this attempt and those before it have written, but for what is to be kept."""
        for path in (self.folder / job).iterdir():
            name = NAME.fullmatch(path.name)
            if path.name not in keep and (name is None or int(name["fence"]) <= fence):
                path.unlink(missing_ok=True)

    def drop(self, job: str) -> None:
        """Remove all checkpoints of a job."""
        shutil.rmtree(self.folder / job, ignore_errors=True)

    def jobs(self) -> list[str]:
        """List the jobs that have checkpoints."""
        with suppress(FileNotFoundError):
            return [path.name for path in self.folder.iterdir()]
        return []
