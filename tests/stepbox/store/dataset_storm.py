"""Publish and delete the same data sets from many processes; test_datasets runs them at once.

    python -m tests.stepbox.store.dataset_storm FOLDER SEED STEPS [WRITES]

The process kills itself after WRITES writes. It prints how often it did what.
"""

import json
import os
import random
import signal
import sys
from collections import Counter
from pathlib import Path

from stepbox.errors import DatasetError, NotFoundError
from stepbox.store.datasets import DatasetStore
from stepbox.store.folder import FolderStore
from tests.datasets import make_dataset, stage

CONTENTS = [make_dataset(f"set-{seed}", (4, 4), seed=seed) for seed in range(2)]


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

    def move(self, source, target):
        self._count()
        super().move(source, target)

    def delete(self, key):
        self._count()
        super().delete(key)

    def delete_all(self, prefix):
        self._count()
        super().delete_all(prefix)


def storm(folder: Path, seed: int, steps: int, writes: int) -> Counter:
    """Do random things."""
    store = DatasetStore(folder, folder)
    store._objects = Fatal(folder)
    store._objects.writes = writes
    rng = random.Random(seed)
    done: Counter = Counter()
    for step in range(steps):
        spec, arrays = rng.choice(CONTENTS)
        action = rng.choice(["publish", "delete", "load", "sweep"])
        try:
            if action == "publish":
                attempt = f"{seed}-{step}"
                stage(store, spec, arrays, attempt)
                store.publish(attempt)
                store.discard(attempt)
            elif action == "delete":
                store.delete(spec.id)
            elif action == "load":
                store.load(spec.id, "train")
            else:
                store.sweep()
            done[action] += 1
        except NotFoundError:
            done["not found"] += 1
        except DatasetError as error:  # deleted between the description and the arrays
            if "cannot be read" not in str(error):
                raise
            done["deleted meanwhile"] += 1
    return done


if __name__ == "__main__":
    folder, *numbers = sys.argv[1:]
    print(json.dumps(storm(Path(folder), *map(int, numbers))))
