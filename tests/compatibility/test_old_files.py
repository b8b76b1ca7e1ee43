"""Stepbox serves the models of version 0.1.0, and finishes its jobs, as that version did.

`make_files.py` describes how the files were made.
"""

import hashlib
import json
import os
import shutil
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load, load_file

from jobs.connection import connect
from service.app import create_app
from service.settings import ServiceSettings
from stepbox.data.builtin import load_dataset
from stepbox.store.checkpoints import CheckpointStore
from stepbox.store.weights import encode_weights
from stepbox.training.loop import make_trainer, train
from stepbox.training.recipe import Recipe
from tests.datasets import make_dataset
from tests.processes import ROOT, free_port

FILES = Path(__file__).parent / "files"
EXPECTED = json.loads((FILES / "expected.json").read_text())
MODELS, JOBS, ABOUT = EXPECTED["models"], EXPECTED["jobs"], EXPECTED["about"]
DATA = Path(os.environ.get("STEPBOX_DATA_DIR", ROOT / "data"))
INTERRUPTED = ("numpy", "torch")
COMPUTER = ("processor", "instructions", "threads")
VERSIONS = ("numpy", "numba", "torch")

# Other kinds of processors add the terms of a sum in another order. These are the largest relative
# differences that this may cause in a response, and in weights after a training.
RTOL = {"F64": 1e-9, "F32": 1e-4}
TRAINED_RTOL = {"F64": 1e-6, "F32": 1e-2}


def card_of(model):
    return json.loads((FILES / "models" / MODELS[model] / "card.json").read_text())


def lay_out(folder):
    """Copy the files into a folder as a worker and the API expect them."""
    shutil.copytree(FILES / "models", folder, dirs_exist_ok=True)
    for name in ("staged", "checkpoints"):
        shutil.copytree(FILES / name, folder / f".{name}")


def fill(redis):
    """Write the keys of the old installation to Redis."""
    write = {
        "string": redis.set,
        "hash": lambda key, value: redis.hset(key, mapping=value),
        "list": lambda key, value: redis.rpush(key, *value),
        "set": lambda key, value: redis.sadd(key, *value),
        "zset": lambda key, value: redis.zadd(key, dict(value)),
        "stream": lambda key, value: [redis.xadd(key, fields, id) for id, fields in value],
    }
    for key, kind, value, seconds_to_live in json.loads((FILES / "redis.json").read_text()):
        write[kind](key, value)
        if seconds_to_live > 0:
            redis.expire(key, seconds_to_live)


def check_close(found, expected, rtol):
    """Compare JSON values: floats with a tolerance, everything else exactly."""
    match expected:
        case dict():
            assert found.keys() == expected.keys()
            for name, value in expected.items():
                check_close(found[name], value, rtol)
        case list():
            assert len(found) == len(expected)
            for one, value in zip(found, expected, strict=True):
                check_close(one, value, rtol)
        case float():
            assert found == pytest.approx(expected, rel=rtol, abs=rtol * 1e-3)
        case _:
            assert found == expected


def with_fields_of(before, after):
    """Leave out the fields of a JSON value that an older version did not have."""
    match before:
        case dict():
            return {name: with_fields_of(value, after[name]) for name, value in before.items()}
        case list():
            return [with_fields_of(*pair) for pair in zip(before, after, strict=True)]
        case _:
            return after


def check_weights(found, expected, dtype, *, exactly=False):
    """Compare the arrays of two trained networks."""
    assert found.keys() == expected.keys()
    rtol = 0 if exactly else TRAINED_RTOL[dtype]
    for name, array in expected.items():
        assert found[name].dtype == array.dtype
        scale = np.abs(array).max()
        np.testing.assert_allclose(found[name], array, rtol=rtol, atol=rtol * scale, err_msg=name)


def trained(recipe, checkpoint=None):
    """Train a recipe, from the start or from a checkpoint (job, name).

    Returns the initial and the final arrays, the events, and what `computer_of` returns.
    """
    recipe = Recipe.model_validate(recipe)
    trainer = make_trainer(recipe, load_dataset(recipe.dataset, "train", DATA))
    initial = load(encode_weights(trainer.network())[0])
    if checkpoint:
        trainer.restore(CheckpointStore(FILES / "checkpoints").load(*checkpoint))
    events = list(train(trainer, load_dataset(recipe.dataset, "test", DATA)))
    return initial, load(encode_weights(trainer.network())[0]), events, computer_of(trainer)


def computer_of(trainer):
    """Return what the last bits of trained weights depend on: the processor and the versions."""
    computer = {name: getattr(trainer.computer(), name) for name in COMPUTER}
    return computer | {name: version(name) for name in VERSIONS}


def is_computer_of(card, computer):
    """Tell whether a card names this processor and these versions: then all bits must be equal."""
    known = {**(card.get("computer") or {}), **card["versions"]}
    engine = {"torch"} if card["recipe"]["engine"] == "torch" else {"numba"}
    return all(known.get(name) == computer[name] for name in (*COMPUTER, "numpy", *engine))


@pytest.fixture(scope="module")
def client(tmp_path_factory):
    """Return a test client of the API with the old models, without Redis."""
    folder = tmp_path_factory.mktemp("old") / "models"
    lay_out(folder)
    redis_url = f"redis://127.0.0.1:{free_port()}/0"
    shutil.copytree(FILES / "datasets", folder / ".datasets")
    settings = ServiceSettings(
        models_dir=folder, datasets_dir=folder / ".datasets", data_dir=DATA, redis_url=redis_url
    )
    return create_app(settings).test_client()


def get(client, path):
    answer = client.get(path)
    assert answer.status_code == 200, answer.text
    return answer.json


# -- models ------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/models", "/aliases"])
def test_models_and_aliases_are_listed_as_before(client, path):
    before = EXPECTED["answers"][path]
    assert with_fields_of(before, get(client, path)) == before


@pytest.mark.parametrize("model", MODELS)
def test_a_card_is_served_as_before(client, model):
    id = MODELS[model]
    served, written = get(client, f"/models/{id}"), card_of(model)
    (listed,) = [card for card in EXPECTED["answers"]["/models"]["models"] if card["id"] == id]
    for before in (listed, written):
        assert with_fields_of(before, served) == before
    assert served["losses"] is None
    assert served["evaluation"]["better_than_guessing"]


def test_fields_that_an_older_card_lacks_get_their_defaults(client):
    written, served = card_of("older"), get(client, "/models/digits-old")
    assert not {"computer", "cost"} & written.keys()
    assert (served["computer"], served["cost"]) == (None, None)
    plain = get(client, "/recipes")["recipes"][0]
    added = plain.keys() - written["recipe"].keys() - {"description"}
    assert added >= {"initialization", "optimizer", "schedule", "single_precision"}
    assert {name: served["recipe"][name] for name in added} == {name: plain[name] for name in added}


@pytest.mark.parametrize(
    ("reference", "model"),
    [
        ("digits", "exact"),
        ("clothes", "torch"),
        ("digits-old", "older"),
        ("latest", "older"),
        ("latest-mnist", "older"),
        ("latest-fashion-mnist", "torch"),
    ],
)
def test_an_alias_names_the_same_model(client, reference, model):
    assert get(client, f"/models/{reference}")["id"] == MODELS[model]


@pytest.mark.parametrize("model", MODELS)
def test_weights_are_served_byte_for_byte(client, model):
    written = (FILES / "models" / MODELS[model] / "weights.safetensors").read_bytes()
    with client.get(f"/models/{MODELS[model]}/weights") as answer:
        assert answer.data == written
    assert hashlib.sha256(written).hexdigest() == card_of(model)["weights"]["sha256"]


def pictures(client, model, count):
    dataset = card_of(model)["recipe"]["dataset"]
    indices = ",".join(map(str, range(count)))
    return [
        one["pixels"] for one in get(client, f"/datasets/{dataset}/test?index={indices}")["images"]
    ]


@pytest.mark.parametrize("model", MODELS)
def test_predictions_are_the_same(client, model):
    id, before = MODELS[model], ABOUT[model]["predict"]
    rtol = RTOL[card_of(model)["weights"]["dtype"]]
    images = pictures(client, model, len(before["predictions"]))
    after = client.post(f"/predict?model={id}&invert=never", json={"images": images}).json
    check_close(after, before, rtol)

    tensor = {"name": "images", "shape": [len(images), 28, 28], "datatype": "UINT8"}
    tensor["data"] = np.array(images).ravel().tolist()
    asked = {"inputs": [tensor], "outputs": [{"name": "logits"}], "parameters": {"invert": "never"}}
    answer = client.post(f"/v2/models/{id}/infer", json=asked)
    assert answer.status_code == 200, answer.text
    (output,) = answer.json["outputs"]
    logits = [one["logits"] for one in before["predictions"]]
    np.testing.assert_allclose(np.reshape(output["data"], output["shape"]), logits, rtol=1e-4)


@pytest.mark.parametrize("model", MODELS)
def test_the_analyses_of_a_model_are_the_same(client, model):
    id, before = MODELS[model], ABOUT[model]
    rtol = RTOL[card_of(model)["weights"]["dtype"]]
    after = with_fields_of(before["histograms"], get(client, f"/models/{id}/histograms"))
    check_close(after, before["histograms"], rtol)
    neurons = get(client, f"/models/{id}/first-layer")["neurons"]
    check_close([[one["neuron"], one["change"]] for one in neurons], before["changes"], rtol)
    matrix = card_of(model)["evaluation"]["confusion_matrix"]
    assert get(client, f"/models/{id}/confusion/4/9")["count"] == matrix[4][9]


@pytest.mark.parametrize("model", MODELS)
def test_gradients_are_checked_as_before(client, model):
    before = ABOUT[model]["gradient-check"]
    after = client.post("/analysis/gradient-check", json={"model": MODELS[model]}).json
    for layer in after["layers"]:
        assert layer["exact"] < 1e-9  # only rounding errors
    del before["deviations"]  # sentences for people
    for layer in before["layers"]:
        del layer["exact"]
    check_close(with_fields_of(before, after), before, 1e-4)


# -- data sets ---------------------------------------------------------------------------------


def test_a_data_set_with_files_beside_its_description_is_served(client):
    [described] = [json.loads(path.read_text()) for path in FILES.glob("datasets/*/dataset.json")]
    served = get(client, f"/datasets/{described['id']}")
    del served["links"]
    assert served == described
    assert get(client, "/datasets/small")["id"] == described["id"]
    _, arrays = make_dataset("small", (4, 4))
    for split, last in (("train", 29), ("test", 11)):
        images = get(client, f"/datasets/small/{split}?index=0,{last}")["images"]
        assert [one["label"] for one in images] == [0, last % 3]
        for one in images:
            pixels = arrays[f"{split}-samples.npy"][one["index"]].tolist()
            assert one["pixels"] == pixels


# -- trainings ---------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("model", MODELS)
def test_a_recipe_gives_the_same_weights(model):
    """On the computer that the card names, all bits are equal. On others, the weights are close."""
    folder, card = FILES / "models" / MODELS[model], card_of(model)
    initial, final, events, computer = trained(card["recipe"])
    dtype, exactly = card["weights"]["dtype"], is_computer_of(card, computer)
    check_weights(initial, load_file(folder / "initial.safetensors"), dtype, exactly=exactly)
    check_weights(final, load_file(folder / "weights.safetensors"), dtype, exactly=exactly)
    accuracy = card["history"][-1]["test_accuracy"]
    assert events[-1].test_accuracy == pytest.approx(accuracy, abs=0.002)


def job_before(name):
    jobs = EXPECTED["answers"]["/jobs?limit=100"]["jobs"]
    return next(job for job in jobs if job["id"] == JOBS[name])


@pytest.mark.slow
@pytest.mark.parametrize("engine", INTERRUPTED)
def test_a_training_continues_from_a_checkpoint_to_the_same_weights(engine):
    job, name = job_before(f"interrupted-{engine}"), EXPECTED["checkpoints"][engine]
    _, final, events, computer = trained(job["recipe"], (job["id"], name))
    expected = load_file(FILES / "results" / f"{engine}.safetensors")
    exactly = is_computer_of(card_of("exact" if engine == "numpy" else "torch"), computer)
    check_weights(final, expected, "F64" if engine == "numpy" else "F32", exactly=exactly)
    assert events[0].samples == 60_000 + int(name.split("-s")[1].partition("-")[0])


# -- jobs --------------------------------------------------------------------------------------


@pytest.fixture
def old_stack(own_stack):
    """Start an installation with the old files and the old content of Redis; only Redis runs."""
    lay_out(own_stack.models_dir)
    own_stack.start_redis()
    with connect(own_stack.settings()) as redis:
        fill(redis)
    return own_stack


def events_of(text):
    """Split a stream of events into their lines, with the data as JSON values."""
    return [
        json.loads(line.removeprefix("data: ")) if line.startswith("data: ") else line
        for line in text.splitlines()
    ]


def test_jobs_are_read_as_before(old_stack):
    settings = ServiceSettings(**old_stack.settings().model_dump())
    client = create_app(settings).test_client()
    before = EXPECTED["answers"]["/jobs?limit=100"]
    after = get(client, "/jobs?limit=100")
    assert with_fields_of(before, after) == before
    for job in after["jobs"]:
        assert job["better_than_guessing"] is None
        assert job["losses"] is None
        assert get(client, f"/jobs/{job['id']}") == {**job, "losses": []}
        listed = get(client, f"/jobs?status={job['status']}&limit=100")["jobs"]
        assert job in listed
    events = events_of(EXPECTED["events"])
    again = events_of(client.get(f"/jobs/{JOBS['exact']}/events").text)
    assert with_fields_of(events, again) == events
    asked = EXPECTED["queued"]
    again = client.post("/train", json=asked["body"], headers=asked["headers"])
    assert (again.status_code, again.json["id"]) == (202, JOBS["queued"])
    assert client.post(f"/jobs/{JOBS['queued']}/cancel").json["status"] == "cancelled"
    for name in ("cancelled", "failed", "older"):
        assert client.delete(f"/jobs/{JOBS[name]}").status_code == 204


def test_unfinished_jobs_are_finished(old_stack):
    """A worker takes over the running jobs when their leases expire."""
    worker = old_stack.start_worker()
    old_stack.start_service()
    done = {
        name: old_stack.wait_for(JOBS[name])
        for name in ("decided", "interrupted-numpy", "interrupted-torch", "queued")
    }
    for name, job in done.items():
        before = job_before(name)
        assert (job["status"], job["error"]) == ("succeeded", None)
        assert job["attempts"] == before["attempts"] + 1
        kept = job["history"][: len(before["history"])]
        assert with_fields_of(before["history"], kept) == before["history"]
        assert [entry["epoch"] for entry in job["history"]] == [*range(job["recipe"]["epochs"] + 1)]
        assert (old_stack.models_dir / job["model"] / "card.json").is_file()

    staged = FILES / "staged" / EXPECTED["staged"]
    published = old_stack.models_dir / EXPECTED["staged"]
    assert done["decided"]["model"] == EXPECTED["staged"]
    for path in staged.iterdir():
        assert (published / path.name).read_bytes() == path.read_bytes()

    log = worker.log.read_text()
    for engine in INTERRUPTED:
        assert f"going on from {EXPECTED['checkpoints'][engine]}" in log
        arrays = load_file(
            old_stack.models_dir / done[f"interrupted-{engine}"]["model"] / "weights.safetensors"
        )
        expected = load_file(FILES / "results" / f"{engine}.safetensors")
        check_weights(arrays, expected, "F64" if engine == "numpy" else "F32")
