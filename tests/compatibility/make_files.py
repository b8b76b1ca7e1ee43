"""Make the files that `test_old_files.py` reads. Run it in an installed checkout of the version
that is to write them:

    PYTHONPATH=. .venv/bin/python PATH_TO/make_files.py PATH_TO/files

Version 0.1.0, commit 23dfae6, wrote the files in `files/`, and the imports below name its modules.
For a later version, adapt the imports and write to another folder.

The files come from a real installation: Redis, a Celery worker and the API. Three jobs are
interrupted. Each runs the worker's code in a process that ends itself at a chosen moment:

- `numpy` and `torch` end right after Redis has stored a checkpoint in the middle of epoch 2;
- `decided` ends after the decision, before it publishes its model.

Two things are edited afterwards:

- The model `older` and its job lose the fields that an even older version did not have.
- The machine's name is replaced. So is the boot id of each running job's owner: the owner then
  seems to be on another machine, and its job is requeued only when the lease expires.

The folder then contains:

    models/              the models and aliases.json
    staged/              the folder `.staged` of the models
    checkpoints/         the folder `.checkpoints` of the models
    results/{job}.safetensors   the final weights of the interrupted trainings
    redis.json           [key, type, value, seconds to live or -1] of every key
    expected.json        responses of the API, and the ids of models and jobs by name

Version 0.1.0 had no data sets of its own. Those in `files/datasets` were written by
commit abe57c50, with `add_dataset(store, "small", (4, 4), warnings=["few samples"])` of
`tests/datasets.py`.
"""
# ruff: isort: skip_file

import json
import multiprocessing
import os
import shutil
import socket
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import requests

import worker.checkpoints
import worker.training
from jobs.connection import connect
from jobs.job_store import JobStore
from jobs.settings import Settings
from stepbox.checkpoints import CheckpointStore
from stepbox.datasets import load_dataset
from stepbox.model_store import ModelStore
from stepbox.recipe import Recipe
from stepbox.training import make_trainer, train
from stepbox.weights_file import encode_weights
from tests.processes import Stack, stack_in

ANOTHER_MACHINE = "00000000-0000-0000-0000-000000000000"
IMAGES = 5  # of the test set, to predict
INTERRUPTED_AT = 30_000  # samples of epoch 2
WORKER = "worker@old"

# In these trainings rounding errors stay small, so all processors get nearly the same weights.
MODELS = {
    "exact": {"epochs": 2, "hidden_sizes": [3, 4], "seed": 1, "learning_rate": 0.01},
    "published": {
        "recipe": "mnist-numpy-published", "epochs": 1, "hidden_sizes": [3], "seed": 2,
    },
    "single": {
        "recipe": "mnist-numpy-best", "activation": "gelu", "hidden_sizes": [], "epochs": 1,
        "batch_size": 16, "augmentation": "none",
    },
    "torch": {
        "recipe": "fashion-mnist-torch", "hidden_sizes": [5, 4], "epochs": 1, "batch_size": 256,
        "learning_rate": 0.05, "normalization": "batch", "activation": "tanh",
    },
    "older": {"epochs": 1, "hidden_sizes": [2], "seed": 3},
}  # fmt: skip
DIVERGING = {
    "learning_rate": 10, "activation": "relu", "pixel_scale": "raw", "hidden_sizes": [64] * 4,
    "epochs": 1,
}  # fmt: skip
NUMPY = {"epochs": 3, "hidden_sizes": [3], "shuffle": True, "schedule": "cosine", "seed": 4}
TORCH = {
    **MODELS["torch"], "hidden_sizes": [4], "epochs": 2, "optimizer": "adamw",
    "learning_rate": 0.002, "weight_decay": 0.1, "schedule": "one-cycle",
}  # fmt: skip
DECIDED = {"epochs": 1, "hidden_sizes": [2], "seed": 5}
QUEUED = {"epochs": 1, "hidden_sizes": [2], "seed": 6}
KEY = {"Idempotency-Key": "old"}

LATER_RECIPE_FIELDS = (
    "initialization", "optimizer", "weight_decay", "schedule", "dropout", "normalization",
    "standardize", "augmentation", "single_precision",
)  # fmt: skip
LATER_CARD_FIELDS = ("computer", "cost")
LATER_JOB_FIELDS = ("request_id", "peak_memory", "history_length", "claimed_by", "beat")


def run_and_die(settings: Settings, moment: str) -> None:
    """Run the first queued job as a worker does, and exit at the given moment, as if killed."""

    def publish(*_: object) -> None:
        os._exit(0)

    def due(self: worker.checkpoints.Checkpoints) -> bool:
        trainer = due.trainer
        return trainer.epochs_done == 1 and trainer.samples_done >= INTERRUPTED_AT

    def restore(self: worker.checkpoints.Checkpoints, trainer: object) -> None:
        due.trainer = trainer

    def report(self, claim, progress=None, epoch=None, checkpoint=None):
        verdict = real_report(self, claim, progress, epoch, checkpoint)
        if checkpoint and checkpoint.startswith("e1-s3"):
            os._exit(0)
        return verdict

    real_report = JobStore.report
    if moment == "decided":
        ModelStore.publish = publish
    else:
        worker.checkpoints.Checkpoints.due = due
        worker.checkpoints.Checkpoints.restore = restore
        JobStore.report = report
    worker.training.run_next_job(worker.training.Stores.of(settings), WORKER)
    raise AssertionError(f"did not reach the moment {moment!r}")


def interrupt(stack: Stack, client, moment: str, **fields: object) -> str:
    """Submit a job, end its process at this moment, make its owner seem remote; return its id."""
    id = stack.train(**fields)["id"]
    process = multiprocessing.get_context("spawn").Process(
        target=run_and_die, args=(stack.settings(), moment)
    )
    process.start()
    process.join()
    assert process.exitcode == 0
    owner = json.loads(client.hget(f"job:{id}", "owner"))
    client.hset(f"job:{id}", "owner", json.dumps({**owner, "boot": ANOTHER_MACHINE}))
    return id


def make_older(stack: Stack, client, job: dict) -> None:
    """Remove from a job and its model the fields that an even older version did not have."""
    path = stack.models_dir / job["model"] / "card.json"
    card = json.loads(path.read_text())
    for name in LATER_CARD_FIELDS:
        del card[name]
    for name in LATER_RECIPE_FIELDS:
        del card["recipe"][name]
    path.write_text(json.dumps(card, indent=1))

    key, history = f"job:{job['id']}", f"history:{job['id']}"
    for entry in job["history"]:
        client.hset(key, f"epoch:{entry['epoch']}", json.dumps(entry))
    client.hset(key, "recipe", json.dumps(card["recipe"]))
    client.hdel(key, *LATER_JOB_FIELDS)
    client.delete(history, f"events:{job['id']}")


def dump(client) -> list:
    """Read every key, and replace the machine's name."""
    read = {
        "string": client.get,
        "hash": client.hgetall,
        "list": lambda key: client.lrange(key, 0, -1),
        "set": lambda key: sorted(client.smembers(key)),
        "zset": lambda key: client.zrange(key, 0, -1, withscores=True),
        "stream": client.xrange,
    }
    keys = [
        [key, (kind := client.type(key)), read[kind](key), client.ttl(key)]
        for key in sorted(client.scan_iter())
    ]
    text = json.dumps(keys)
    return json.loads(text.replace(socket.gethostname(), "old"))


def answers_about(stack: Stack, id: str, dataset: str) -> dict:
    """Request everything that the API computes from a model's arrays."""

    def get(path: str) -> dict:
        answer = requests.get(f"{stack.url}{path}", timeout=30)
        assert answer.ok, answer.text
        return answer.json()

    def post(path: str, body: dict) -> dict:
        answer = requests.post(f"{stack.url}{path}", json=body, timeout=30)
        assert answer.ok, answer.text
        return answer.json()

    indices = ",".join(map(str, range(IMAGES)))
    images = [one["pixels"] for one in get(f"/datasets/{dataset}/test?index={indices}")["images"]]
    first_layer = get(f"/models/{id}/first-layer")
    return {
        "predict": post(f"/predict?model={id}&invert=never", {"images": images}),
        "histograms": get(f"/models/{id}/histograms"),
        "changes": [[one["neuron"], one["change"]] for one in first_layer["neurons"]],
        "gradient-check": post("/analysis/gradient-check", {"model": id}),
    }


def finish(stack: Stack, id: str, checkpoint: str) -> bytes:
    """Continue a training from a checkpoint to its end; return the file of the weights."""
    recipe = Recipe.model_validate(stack.job(id)["recipe"])
    data = stack.settings().data_dir
    trainer = make_trainer(recipe, load_dataset(data, recipe.dataset, "train"))
    state = CheckpointStore(stack.models_dir / ".checkpoints").load(id, checkpoint)
    assert state is not None
    trainer.restore(state)
    for _ in train(trainer, recipe, load_dataset(data, recipe.dataset, "test")):
        pass
    return encode_weights(trainer.network())[0]


def make(stack: Stack, folder: Path) -> None:
    """Run jobs in the installation, then copy its files and the content of Redis."""
    stack.start_redis()
    stack.start_service()
    options = "--without-gossip --without-mingle --without-heartbeat --loglevel INFO"
    celery = stack.start(
        "worker",
        *f"celery -A worker.app worker --queues training --concurrency 1 {options}".split(),
        *f"--hostname {WORKER}".split(),
    )
    done = {name: stack.wait_for(stack.train(**fields)["id"]) for name, fields in MODELS.items()}
    assert all(job["status"] == "succeeded" for job in done.values()), done
    failed = stack.wait_for(stack.train(**DIVERGING)["id"])
    assert failed["status"] == "failed", failed
    celery.stop()
    client = connect(stack.settings())
    make_older(stack, client, done["older"])
    for name, model in (("digits", "exact"), ("clothes", "torch"), ("digits-old", "older")):
        body = {"model": done[model]["model"]}
        assert requests.put(f"{stack.url}/aliases/{name}", json=body, timeout=10).ok

    interrupted = {
        name: interrupt(stack, client, "checkpoint", **fields)
        for name, fields in (("numpy", NUMPY), ("torch", TORCH))
    }
    decided = interrupt(stack, client, "decided", **DECIDED)
    answer = requests.post(f"{stack.url}/train", json=QUEUED, headers=KEY, timeout=10)
    queued = answer.json()["id"]
    cancelled = stack.train(**QUEUED)["id"]
    requests.post(f"{stack.url}/jobs/{cancelled}/cancel", timeout=10).raise_for_status()

    for name in ("staged", "checkpoints", "results"):
        (folder / name).mkdir(parents=True)
    for path in sorted(stack.models_dir.iterdir()):
        if not path.name.startswith("."):
            copy = shutil.copytree if path.is_dir() else shutil.copy
            copy(path, folder / "models" / path.name)
    checkpoints = {}
    for name, id in interrupted.items():
        checkpoints[name] = client.hget(f"job:{id}", "checkpoint")
        (folder / "checkpoints" / id).mkdir()
        shutil.copy(stack.models_dir / ".checkpoints" / id / checkpoints[name],
                    folder / "checkpoints" / id)  # fmt: skip
        (folder / "results" / f"{name}.safetensors").write_bytes(
            finish(stack, id, checkpoints[name])
        )
    staged = client.hget(f"job:{decided}", "model")
    shutil.copytree(stack.models_dir / ".staged" / staged, folder / "staged" / staged)

    expected = {
        "models": {name: job["model"] for name, job in done.items()},
        "jobs": {
            **{name: job["id"] for name, job in done.items()},
            "failed": failed["id"], "interrupted-numpy": interrupted["numpy"],
            "interrupted-torch": interrupted["torch"], "decided": decided, "queued": queued,
            "cancelled": cancelled,
        },
        "checkpoints": checkpoints,
        "staged": staged,
        "queued": {"body": QUEUED, "headers": KEY},
        "answers": {
            path: requests.get(f"{stack.url}{path}", timeout=10).json()
            for path in ("/models", "/aliases", "/jobs?limit=100")
        },
        "events": requests.get(
            f"{stack.url}/jobs/{done['exact']['id']}/events", timeout=10
        ).text,
        "about": {
            name: answers_about(stack, job["model"], job["recipe"]["dataset"])
            for name, job in done.items()
        },
    }  # fmt: skip
    for name, content in (("expected", expected), ("redis", dump(client))):
        (folder / f"{name}.json").write_text(json.dumps(content, separators=(",", ":")) + "\n")


def main() -> None:
    """Make all files in the folder that the command line names."""
    folder = Path(sys.argv[1]).resolve()
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    (folder / "models").mkdir()
    with TemporaryDirectory() as place, stack_in(Path(place) / "stack") as stack:
        make(stack, folder)


if __name__ == "__main__":
    main()
