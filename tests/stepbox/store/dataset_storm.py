"""Publish and delete the same data sets from many processes; test_datasets runs them at once.

    python -m tests.stepbox.store.dataset_storm FOLDER SEED STEPS WRITES ACTION…

The process kills itself after WRITES writes. It prints how often it did what. Each publication is a
job, which is unfinished while its marker exists. The action ``late`` is what a publication does
that was paused before its last write: it describes an attempt of a job that has long ended.
Without the action ``delete``, a data set that was published once can always be loaded.
"""

import json
import os
import random
import signal
import sys
from collections import Counter
from pathlib import Path

from stepbox.errors import DatasetError, NotFoundError
from stepbox.store.dataset_reader import Found
from stepbox.store.datasets import DatasetStore
from stepbox.store.folder import FolderStore
from tests.datasets import make_dataset, stage

CONTENTS = [make_dataset(f"set-{seed}", (4, 4), seed=seed) for seed in range(2)]
ACTIONS = ["publish", "delete", "load", "sweep", "late"]
TRIES = 50  # to load a data set whose files may be swept while they are read


class Fatal(FolderStore):
    """A folder store that kills its process after a number of writes."""

    writes = -1

    def _count(self) -> None:
        if self.writes == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        self.writes -= 1

    def put(self, key, data):
        self._count()
        super().put(key, data)

    def put_file(self, key, path):
        self._count()
        super().put_file(key, path)

    def delete(self, key):
        self._count()
        super().delete(key)

    def delete_all(self, prefix):
        self._count()
        super().delete_all(prefix)

    def remove_unfinished(self, age):
        """Nothing: what other processes write is younger than a day."""


class Jobs:
    """The unfinished jobs: a marker each, beside the data sets."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder.with_name("unfinished")
        self._folder.mkdir(exist_ok=True)

    def start(self, attempt: str) -> None:
        (self._folder / attempt).touch()

    def end(self, attempt: str) -> None:
        (self._folder / attempt).unlink()

    def is_unfinished(self, attempt: str) -> bool:
        return (self._folder / attempt).exists()

    def attempts(self) -> list[str]:
        return [path.name for path in self._folder.iterdir()]


def storm(folder: Path, seed: int, steps: int, writes: int, actions: list[str]) -> Counter:
    """Do random things."""
    objects, jobs = Fatal(folder), Jobs(folder)
    store = DatasetStore(objects, folder)
    objects.writes = writes
    rng = random.Random(seed)
    done: Counter = Counter()
    ended: list[Found] = []
    published = set()
    for step in range(steps):
        spec, arrays = rng.choice(CONTENTS)
        action = rng.choice(actions)
        try:
            if action == "publish":
                attempt = f"{seed}-{step}"
                jobs.start(attempt)
                place = stage(store, spec, arrays, attempt)
                store.publish(place)
                jobs.end(attempt)
                ended.append(Found(spec, place))
                published.add(spec.id)
            elif action == "delete":
                store.delete(spec.id)
            elif action == "load":
                load(store, spec.id, spec.id in published and "delete" not in actions)
            elif action == "sweep":
                store.sweep(jobs.is_unfinished, age=-1)
            elif ended:
                late = rng.choice(ended)
                store._describe(late.spec.id, late)
            done[action] += 1
        except NotFoundError:
            may_be_missing = "delete" in actions or spec.id not in published
            if action not in ("load", "delete") or not may_be_missing:
                raise
            done["not found"] += 1
    return done


def load(store: DatasetStore, id: str, surely: bool) -> None:
    """Load a data set; its files may be removed meanwhile, and others be visible instead."""
    for _ in range(TRIES):
        try:
            store.load(id, "train")
            return
        except DatasetError as error:
            if "cannot be read" not in str(error):
                raise
    assert not surely, f"{id} could not be loaded"


if __name__ == "__main__":
    folder, *numbers = sys.argv[1:5]
    print(json.dumps(storm(Path(folder), *map(int, numbers), sys.argv[5:])))
