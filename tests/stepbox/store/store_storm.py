"""Stress one model store; test_models runs several such processes at once.

    python -m tests.stepbox.store.store_storm FOLDER SEED [WRITES]

The process prints a line when it starts, and kills itself after WRITES writes. Without WRITES, it
ends once a file `stop` has appeared next to the store's folder and it has done everything that it
can do, and prints the count of each action.
"""

import json
import os
import random
import signal
import sys
from collections import Counter
from pathlib import Path

from stepbox.errors import ConflictError, InvalidInputError, NotFoundError
from stepbox.store.folder import FolderStore
from stepbox.store.models import ModelStore, new_model_id
from tests.stepbox.store.test_models import make_draft, make_network

MOST_MODELS = 10
ACTIONS = ("publish", "delete", "alias", "unalias", "read")


class Fatal(FolderStore):
    """A folder store that kills its process after a number of writes."""

    def __init__(self, folder: Path, writes: int) -> None:
        super().__init__(folder)
        self._writes = writes

    def _count(self) -> None:
        if self._writes == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        self._writes -= 1

    def put(self, key: str, data: bytes) -> None:
        self._count()
        super().put(key, data)

    def move(self, source: str, target: str) -> None:
        self._count()
        super().move(source, target)

    def delete(self, key: str) -> None:
        self._count()
        super().delete(key)

    def delete_all(self, prefix: str) -> None:
        self._count()
        super().delete_all(prefix)


def storm(folder: Path, seed: int, writes: int) -> Counter:
    store = ModelStore(Fatal(folder, writes))
    rng = random.Random(seed)
    done: Counter = Counter()
    stop, parent = folder.with_name("stop"), os.getppid()
    while os.getppid() == parent and not (stop.exists() and all(done[one] for one in ACTIONS)):
        ids = store.ids()
        more = ("publish", "publish") if len(ids) < MOST_MODELS else ("delete",)
        action = rng.choice((*more, "delete", "alias", "unalias", "read"))
        some = rng.choice(ids or [new_model_id()])
        name = f"name-{rng.randrange(5)}"
        try:
            if action == "publish":
                model_id = new_model_id()
                draft = make_draft(model_id)
                store.stage(f"job-{model_id}", draft, make_network(rng.random()), make_network(0))
                store.publish(f"job-{model_id}", model_id)
                assert model_id in store.ids() or not store.is_published(model_id)
            elif action == "delete":
                store.delete(some)
                assert some not in store.ids()
            elif action == "alias":
                store.set_alias(name, some)
            elif action == "unalias":
                store.remove_alias(name)
            else:
                assert [model.damage for model in store.page()[0] if model.damage] == []
                card, network = store.load("latest")
                assert card.parameters == network.parameters
            done[action] += 1
        except (ConflictError, NotFoundError):
            pass  # another process was faster, or the model has an alias
        except InvalidInputError as error:
            if [fault.pointer for fault in error.faults] != ["/model"]:
                raise
    return done


if __name__ == "__main__":
    print("begun", flush=True)
    print(json.dumps(storm(Path(sys.argv[1]), *map(int, (*sys.argv[2:], -1)[:2]))))
