"""Use one model store as hard as possible; test_model_store runs several such processes.

Prints a line as soon as it begins; ends when a file `stop` appears beside the store's folder, and
then prints how often it did what.
"""

import json
import os
import random
import sys
from collections import Counter
from pathlib import Path

from stepbox.errors import ConflictError, InvalidInputError, NotFoundError
from stepbox.store.models import ModelStore, new_model_id
from tests.stepbox.store.test_models import make_draft, make_network


def storm(folder: Path, seed: int) -> Counter:
    store = ModelStore(folder)
    rng = random.Random(seed)
    done: Counter = Counter()
    stop, parent = folder.with_name("stop"), os.getppid()
    while not stop.exists() and os.getppid() == parent:
        deed = rng.choice(("publish", "publish", "delete", "alias", "unalias", "read"))
        some = rng.choice(store.ids() or [new_model_id()])
        name = f"name-{rng.randrange(5)}"
        try:
            if deed == "publish":
                model_id = new_model_id()
                draft = make_draft(model_id)
                store.stage(f"job-{model_id}", draft, make_network(rng.random()), make_network(0))
                store.publish(f"job-{model_id}", model_id)
                assert model_id in store.ids() or not store.is_published(model_id)
            elif deed == "delete":
                store.delete(some)
                assert some not in store.ids()
            elif deed == "alias":
                store.set_alias(name, some)
            elif deed == "unalias":
                store.remove_alias(name)
            else:
                assert [model.damage for model in store.models() if model.damage] == []
                card, network = store.load("latest")
                assert card.parameters == network.parameters
            done[deed] += 1
        except (ConflictError, NotFoundError):
            pass  # another process was faster, or an alias stands for it
        except InvalidInputError as error:
            if [fault.pointer for fault in error.faults] != ["/model"]:
                raise
    return done


if __name__ == "__main__":
    print("begun", flush=True)
    print(json.dumps(storm(Path(sys.argv[1]), int(sys.argv[2]))))
