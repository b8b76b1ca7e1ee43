import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta, timezone
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from safetensors.numpy import load as load_tensors
from safetensors.numpy import save as save_tensors

from stepbox.data.builtin import DATASETS
from stepbox.data.checksums import CHECKSUMS, FOLDERS
from stepbox.errors import ConflictError, DamagedModelError, InvalidInputError, NotFoundError
from stepbox.nn.network import Network, array_shapes
from stepbox.store.card import (
    Card,
    CardDraft,
    Versions,
)
from stepbox.store.models import ModelStore, new_model_id
from stepbox.store.reader import LATEST
from stepbox.training.evaluation import assess
from stepbox.training.presets import RECIPES
from stepbox.training.report import HistoryEntry
from stepbox.training.step_record import StepRecord
from tests.datasets import keep_none
from tests.processes import PATIENCE_S

ROOT = Path(__file__).parents[3]
MNIST = RECIPES["mnist-numpy"].model_copy(update={"hidden_sizes": (5, 3)})
FASHION = RECIPES["fashion-mnist-torch"].model_copy(update={"hidden_sizes": (5, 3)})
CONVOLUTION = MNIST.changed(
    layers=[
        {"type": "max-pool", "size": 2},
        {"type": "convolution", "channels": 3, "kernel": 3, "stride": 2, "padding": 1},
        {"type": "max-pool", "size": 2, "stride": 1},
        {"type": "dense", "neurons": 4},
    ]
)


def make_network(seed, recipe=MNIST, dtype=np.float64):
    rng = np.random.default_rng(abs(hash(seed)))
    specs = recipe.layer_specs(DATASETS[recipe.dataset])
    arrays = {
        name: rng.normal(size=shape).astype(dtype) for name, shape in array_shapes(specs).items()
    }
    return Network.from_named_arrays(specs, arrays)


def entry(*figures):
    return HistoryEntry(**dict(zip(HistoryEntry.model_fields, figures, strict=False)))


GUESSING = assess(np.zeros((99, 10)), np.arange(99) % 10)
LEARNED = assess(np.eye(10)[np.arange(99) % 10], np.arange(99) % 10)


def make_draft(model_id, recipe=MNIST, **fields):
    return CardDraft(
        id=model_id,
        job="a-job",
        recipe=recipe,
        dataset=DATASETS[recipe.dataset],
        history=[entry(0, None, 2.3, 0.1, 0.0), entry(1, 0.4, 0.2, 0.9, 1.5)],
        **{"evaluation": GUESSING, "device": "cpu", **fields},
    )


def add(store, recipe=MNIST, seed=1, **fields):
    """Publish a model and return its id."""
    model_id = new_model_id()
    dtype = np.float64 if recipe.engine == "numpy" else np.float32
    networks = make_network(seed, recipe, dtype), make_network(0, recipe, dtype)
    store.stage(f"attempt-{model_id}", make_draft(model_id, recipe, **fields), *networks)
    store.publish(f"attempt-{model_id}", model_id)
    return model_id


def contents(folder):
    return sorted(path.name for path in folder.iterdir())


def settle():
    """Wait until the files are old enough for the caches to trust their times."""
    time.sleep(0.06)


# Files.


def test_a_model_is_visible_only_once_it_is_published(store, folder):
    model_id = new_model_id()
    card = store.stage("job-f1", make_draft(model_id), make_network(1), make_network(0))
    assert store.is_staged("job-f1")
    assert not store.is_published(model_id)
    assert store.ids() == []
    with pytest.raises(NotFoundError):
        store.card(model_id)

    store.publish("job-f1", model_id)
    assert not store.is_staged("job-f1")
    assert store.is_published(model_id)
    assert store.ids() == [model_id]
    assert store.card(model_id) == card
    assert contents(folder / model_id) == [
        "card.json",
        "initial.safetensors",
        "weights.safetensors",
    ]


def test_a_model_may_have_a_record_of_its_steps(store, folder):
    parameters = {
        name: np.stack([array, array + 1]) for name, array in make_network(1).named_arrays().items()
    }
    losses, wrong = np.arange(9, dtype=np.float32), np.arange(9) % 2 == 0
    record = StepRecord(9, losses, wrong, np.array([1, 6]), parameters)
    model_id = new_model_id()
    store.stage("attempt", make_draft(model_id), make_network(1), make_network(0), record)
    store.publish("attempt", model_id)
    assert "steps.safetensors" in contents(folder / model_id)

    card, loaded = store.load_steps(model_id)
    data = (folder / model_id / "steps.safetensors").read_bytes()
    assert (card.steps.steps, card.steps.snapshots) == (9, 2)
    assert (card.steps.bytes, card.steps.sha256) == (len(data), hashlib.sha256(data).hexdigest())
    assert loaded.arrays().keys() == record.arrays().keys()
    for name, array in record.arrays().items():
        np.testing.assert_array_equal(loaded.arrays()[name], array)
    assert store.load_steps(add(store))[1] is None

    settle()
    os.truncate(folder / model_id / "steps.safetensors", len(data) - 8)
    with pytest.raises(DamagedModelError, match=r"steps\.safetensors"):
        store.load_steps(model_id)
    store.delete(model_id)
    assert not (folder / model_id).exists()


def test_the_card_on_the_disk_is_complete(store, folder):
    model_id = add(store, FASHION)
    card = json.loads((folder / model_id / "card.json").read_text())
    weights = (folder / model_id / "weights.safetensors").read_bytes()
    initial = (folder / model_id / "initial.safetensors").read_bytes()
    assert set(card) == {
        *("id", "job", "recipe", "dataset", "classes", "parameters", "history", "evaluation"),
        *("weights", "initial", "device", "computer", "cost", "versions", "created_at", "losses"),
        *("title", "notes", "tags", "steps", "submitted_by"),
    }
    assert card["steps"] is None
    assert card["recipe"] == FASHION.model_dump(mode="json")
    assert card["classes"] == list(DATASETS["fashion-mnist"].classes)
    assert card["parameters"] == 784 * 5 + 5 + 5 * 3 + 3 + 3 * 10 + 10
    assert card["history"][0] == {
        **dict.fromkeys(HistoryEntry.model_fields),
        **{"epoch": 0, "test_loss": 2.3, "test_accuracy": 0.1, "seconds": 0.0},
    }
    for key, data in (("weights", weights), ("initial", initial)):
        sha256 = hashlib.sha256(data).hexdigest()
        assert card[key] == {"bytes": len(data), "sha256": sha256, "dtype": "F32"}
    assert card["dataset"]["name"] == "fashion-mnist"
    assert card["created_at"].endswith("Z")


def test_the_card_names_torch_only_if_it_was_used(store):
    import torch

    compiled = store.card(add(store, MNIST)).versions
    assert (compiled.torch, compiled.numba) == (None, version("numba"))
    used = store.card(add(store, FASHION)).versions
    assert used.numba is None
    assert used.torch == torch.__version__.partition("+")[0]
    assert Versions.here(torch=False).numpy == np.__version__


def test_the_checksum_of_a_data_set_is_that_of_the_output_of_md5sum(data_folder):
    for name, files in CHECKSUMS.items():
        printed = ""
        for file in files:
            content = (data_folder / FOLDERS[name] / file).read_bytes()
            printed += f"{hashlib.md5(content).hexdigest()}  {file}\n"
        assert DATASETS[name].checksum == hashlib.sha256(printed.encode()).hexdigest()


@pytest.mark.parametrize(("recipe", "code"), [(MNIST, "F64"), (FASHION, "F32")])
def test_the_file_contains_only_the_tensors(store, folder, recipe, code):
    model_id = add(store, recipe)
    data = (folder / model_id / "weights.safetensors").read_bytes()
    length = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + length])
    assert {name: (t["dtype"], t["shape"]) for name, t in header.items()} == {
        "0.weight": (code, [5, 784]),
        "0.bias": (code, [5]),
        "1.weight": (code, [3, 5]),
        "1.bias": (code, [3]),
        "2.weight": (code, [10, 3]),
        "2.bias": (code, [10]),
    }


@pytest.mark.slow
def test_equal_networks_give_equal_files_in_any_process():
    script = (
        "import hashlib, numpy as np\n"
        "from tests.stepbox.store.test_models import DATASETS, MNIST, Network\n"
        "from stepbox.store.weights import encode_weights\n"
        "network = Network.initial(MNIST.layer_specs(DATASETS['mnist']), 7)\n"
        "print(encode_weights(network)[1].sha256)\n"
    )
    sums = {
        subprocess.run(
            [sys.executable, "-c", script],
            cwd=ROOT,
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(sums) == 1


@settings(max_examples=25)
@given(
    hidden_sizes=st.none() | st.lists(st.integers(1, 9), max_size=8).map(tuple),
    dtype=st.sampled_from((np.float64, np.float32)),
    seed=st.integers(0, 2**31),
    transposed=st.booleans(),
)
def test_a_stored_network_is_unchanged(tmp_path_factory, hidden_sizes, dtype, seed, transposed):
    store = ModelStore(tmp_path_factory.mktemp("models"))
    sizes = {"hidden_sizes": hidden_sizes}
    recipe = CONVOLUTION if hidden_sizes is None else MNIST.model_copy(update=sizes)
    network, initial = make_network(seed, recipe, dtype), make_network(seed + 1, recipe, dtype)
    if transposed:  # the same numbers in another order in memory
        for layer in network.layers:
            for name, array in layer.arrays.items():
                setattr(layer, layer.names[name], np.asfortranarray(array))
    model_id = new_model_id()
    store.stage("attempt", make_draft(model_id, recipe), network, initial)
    store.publish("attempt", model_id)
    for stored, original in (
        (store.load(model_id)[1], network),
        (store.load_initial(model_id)[1], initial),
    ):
        assert [layer.activation for layer in stored.layers] == [
            layer.activation for layer in original.layers
        ]
        arrays, originals = stored.named_arrays(), original.named_arrays()
        assert list(arrays) == list(originals)
        for name, array in arrays.items():
            assert array.dtype == dtype
            np.testing.assert_array_equal(array, originals[name], strict=True)


def test_a_convolution_is_stored_with_its_channels_last(store, folder):
    model_id = add(store, CONVOLUTION)
    arrays = load_tensors((folder / model_id / "weights.safetensors").read_bytes())
    card, network = store.load(model_id)

    assert {name: array.shape for name, array in arrays.items()} == {
        "1.weight": (3, 3, 3, 1), "1.bias": (3,),
        "3.weight": (4, 6 * 6 * 3), "3.bias": (4,), "4.weight": (10, 4), "4.bias": (10,),
    }  # fmt: skip
    assert card.recipe == CONVOLUTION
    assert card.parameters == sum(array.size for array in arrays.values())
    assert [spec.output_shape for spec in card.layers] == [
        (14, 14, 1), (7, 7, 3), (6, 6, 3), (4,), (10,)
    ]  # fmt: skip
    assert network.logits(np.ones((2, 784))).shape == (2, 10)
    assert (folder / model_id / "card.json").stat().st_size < 20_000


def test_a_network_with_two_dtypes_is_rejected(store):
    network = make_network(1)
    network.layers[1].biases = network.layers[1].biases.astype(np.float32)
    with pytest.raises(TypeError, match="float32"):
        store.stage("attempt", make_draft(new_model_id()), network, make_network(0))


def test_a_shared_network_cannot_be_changed(store):
    _, network = store.load(add(store))
    with pytest.raises(ValueError, match="read-only"):
        network.layers[0].weights[0, 0] = 0


# The card.


def test_every_field_of_the_card_is_described():
    schema = Card.model_json_schema()
    for part in (schema, *schema["$defs"].values()):
        for name, field in part["properties"].items():
            assert len(field["description"]) > 5, name


def test_a_card_is_frozen_and_its_figures_finite():
    draft = make_draft(new_model_id())
    with pytest.raises(ValidationError):
        draft.device = "cuda"
    for wrong in (float("nan"), float("inf")):
        with pytest.raises(ValidationError):
            HistoryEntry(epoch=1, train_loss=wrong, test_loss=1, test_accuracy=1, seconds=1)


def test_times_are_written_in_utc(store):
    there = datetime(2026, 1, 2, 12, 0, tzinfo=timezone(timedelta(hours=5)))
    card = store.card(add(store, created_at=there))
    assert json.loads(card.model_dump_json())["created_at"] == "2026-01-02T07:00:00Z"


# Publishing.


def test_publishing_twice_equals_publishing_once(store):
    model_id = new_model_id()
    store.stage("attempt", make_draft(model_id), make_network(1), make_network(0))
    store.publish("attempt", model_id)
    store.publish("attempt", model_id)
    assert store.ids() == [model_id]


def test_only_a_staged_model_can_be_published(store, objects):
    with pytest.raises(NotFoundError):
        store.publish("attempt", new_model_id())
    assert objects.names() == []


def test_a_model_is_never_overwritten(store):
    model_id = add(store, seed=1)
    _, before = store.load(model_id)
    store.stage("other", make_draft(model_id), make_network(2), make_network(0))
    with pytest.raises(ConflictError):
        store.publish("other", model_id)
    np.testing.assert_array_equal(
        store.load(model_id)[1].layers[0].weights, before.layers[0].weights
    )


def test_staging_again_replaces_the_files_and_discarding_removes_them(store):
    model_id = new_model_id()
    for seed in (1, 2):
        store.stage("attempt", make_draft(model_id), make_network(seed), make_network(0))
    store.publish("attempt", model_id)
    _, network = store.load(model_id)
    np.testing.assert_array_equal(network.layers[0].weights, make_network(2).layers[0].weights)

    store.stage("attempt", make_draft(new_model_id()), make_network(3), make_network(0))
    store.discard("attempt")
    assert not store.is_staged("attempt")
    store.discard("attempt")
    assert store.ids() == [model_id]


@pytest.mark.parametrize("name", ["", ".", "..", "../x", "a/b", ".hidden", "a" * 129, "a\n", "ä"])
def test_an_attempt_has_a_plain_name(store, name):
    with pytest.raises(ValueError, match="cannot name an attempt"):
        store.discard(name)


def test_a_full_disk_is_an_error_and_leaves_nothing_behind(store, folder):
    """With a limit on the size of files, a write fails in the middle, as on a full disk."""
    existing = add(store)
    script = (
        "import resource, sys\n"
        "from pathlib import Path\n"
        "from tests.stepbox.store.test_models import ModelStore, add\n"
        "for limit in map(int, sys.argv[2:]):\n"
        "    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))\n"
        "    try:\n"
        "        add(ModelStore(Path(sys.argv[1])))\n"
        "    except OSError as error:\n"
        "        print(error.strerror)\n"
    )
    size = store.card(existing).weights.bytes
    done = subprocess.run(
        [sys.executable, "-c", script, folder, "0", str(size // 2), str(size - 1)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "File too large\n" * 3
    assert contents(folder / ".staged") == []
    assert store.ids() == [existing]


def test_old_leftovers_are_swept(store, folder):
    whole = add(store)
    for attempt in ("old", "young"):
        store.stage(attempt, make_draft(new_model_id()), make_network(1), make_network(0))
    half_old, half_young = new_model_id(), new_model_id()
    lefts = [
        folder / half_old,  # left by an interrupted `publish` or `delete`
        folder / half_young,
        folder / ".staged" / ".0123456789abcdef",  # of version 0.1
        folder / ".trash" / "0123456789abcdef",
    ]
    for left in lefts:
        left.mkdir(parents=True)
        (left / "weights.safetensors").write_bytes(b"half")
    file = folder / "m-0123456789ab"
    file.write_text("not a folder")
    long_ago = time.time() - 7200
    for old in (folder / ".staged" / "old", folder / whole, file, lefts[0], *lefts[2:]):
        for path in (old, *old.rglob("*")):
            os.utime(path, (long_ago, long_ago))
    store.sweep(keep_none, age=3600)
    assert contents(folder / ".staged") == ["young"]
    assert contents(folder / ".trash") == []
    assert {path.name for path in folder.glob("m-*")} == {whole, half_young, file.name}
    assert store.ids() == [whole]
    store.sweep(keep_none, age=-1)
    assert contents(folder / ".staged") == []
    assert not lefts[1].exists()
    assert store.load(whole)[0].id == whole


def test_what_is_young_is_not_swept(store, objects):
    whole, staged, half = add(store), new_model_id(), new_model_id()
    store.stage(staged, make_draft(staged), make_network(1), make_network(0))
    objects.put(f"{half}/weights.safetensors", b"half")
    store.sweep(keep_none, age=3600)
    assert store.is_staged(staged)
    assert objects.names(half) == ["weights.safetensors"]
    store.sweep(keep_none, age=-1)
    assert not store.is_staged(staged)
    assert objects.names(half) == []
    assert store.load(whole)[0].id == whole


def test_what_an_unfinished_job_publishes_is_not_swept(store, objects):
    decided, lost = new_model_id(), new_model_id()
    for model in (decided, lost):
        store.stage(model, make_draft(model), make_network(1), make_network(0))
    objects.put(f"{decided}/weights.safetensors", b"half")
    objects.put(f"{lost}/weights.safetensors", b"half")
    store.sweep({decided}.__contains__, age=-1)
    assert objects.names(".staged") == [decided]
    assert objects.names(decided) == ["weights.safetensors"]
    assert objects.names(lost) == []
    store.publish(decided, decided)
    assert store.load(decided)[0].id == decided


def test_a_model_that_is_published_during_a_sweep_stays(store, objects):
    model = new_model_id()
    store.stage(model, make_draft(model), make_network(1), make_network(0))
    objects.put(f"{model}/weights.safetensors", b"half")

    def ends_meanwhile(name):
        if not store.is_published(model):
            store.publish(model, model)
        return False

    ModelStore(objects).sweep(ends_meanwhile, age=-1)
    assert store.load(model)[0].id == model


def test_a_model_that_was_labelled_can_be_published_again(store, objects):
    model = new_model_id()
    store.stage(model, make_draft(model), make_network(1), make_network(0))
    card = objects.get(f".staged/{model}/card.json", 2**20)
    store.publish(model, model)
    store.label(model, {"title": "new"}, lambda card: None)
    objects.put(f".staged/{model}/card.json", card)  # as if it had not been removed yet
    store.publish(model, model)
    assert store.card(model).title == "new"
    assert not store.is_staged(model)


def test_sweeping_an_empty_store_writes_nothing(store, objects):
    store.sweep(keep_none, age=3600)
    assert objects.names() == []


# Reading.


def test_the_newest_comes_first_by_its_own_date(store):
    start = datetime(2026, 1, 1, tzinfo=UTC)
    days = [3, 1, 4, 2]
    ids = {day: add(store, created_at=start + timedelta(days=day)) for day in days}
    assert store.ids() == [ids[day] for day in (4, 3, 2, 1)]
    assert [model.id for model in store.page()[0]] == store.ids()
    assert store.card("latest").id == ids[4]


def test_latest_is_the_newest_model_of_a_data_set(store):
    with pytest.raises(NotFoundError):
        store.card("latest")
    start = datetime(2026, 1, 1, tzinfo=UTC)
    digits = add(store, MNIST, created_at=start)
    with pytest.raises(NotFoundError):
        store.card("latest-fashion-mnist")
    clothes = add(store, FASHION, created_at=start + timedelta(seconds=1))
    assert store.card("latest").id == clothes
    assert store.card("latest-mnist").id == digits
    assert store.card("latest-fashion-mnist").id == clothes
    store.delete(clothes)
    assert store.card("latest").id == digits
    with pytest.raises(NotFoundError):
        store.card("latest-fashion-mnist")


def test_latest_is_the_newest_model_that_is_better_than_guessing(store, objects):
    other = ModelStore(objects)  # as in another process
    start = datetime(2026, 1, 1, tzinfo=UTC)

    def add_at(second, evaluation, recipe=MNIST):
        created_at = start + timedelta(seconds=second)
        return add(store, recipe, evaluation=evaluation, created_at=created_at)

    def check(latest, digits, clothes=None):
        for one in (store, other):
            assert one.card("latest").id == one.load("latest")[0].id == latest
            assert one.card("latest-mnist").id == digits
            if clothes:
                assert one.card("latest-fashion-mnist").id == clothes

    first = add_at(0, GUESSING)
    check(first, first)
    newer = add_at(1, GUESSING)
    check(newer, newer)
    learned = add_at(2, LEARNED)
    check(learned, learned)
    diverged = add_at(3, GUESSING)
    check(learned, learned)
    clothes = add_at(4, GUESSING, FASHION)
    check(learned, learned, clothes)
    better = add_at(5, LEARNED)
    check(better, better)
    store.delete(better)
    check(learned, learned, clothes)
    store.delete(learned)
    check(clothes, diverged, clothes)
    assert store.ids() == other.ids() == [clothes, diverged, newer, first]


def test_the_value_is_computed_for_cards_that_do_not_store_it(store, objects):
    learned = add(store, evaluation=LEARNED)
    guessing = add(store, evaluation=GUESSING)
    for id in (learned, guessing):
        card = json.loads(objects.get(f"{id}/card.json", 2**20))
        del card["evaluation"]["better_than_guessing"]
        objects.put(f"{id}/card.json", json.dumps(card).encode())
    old = ModelStore(objects)
    assert old.card(learned).evaluation.better_than_guessing
    assert not old.card(guessing).evaluation.better_than_guessing
    assert old.card("latest").id == learned


def test_other_files_in_the_folder_are_ignored(store, folder):
    model_id = add(store)
    (folder / "README.md").write_text("Models.")
    (folder / ".gitkeep").touch()
    (folder / ".checkpoints" / "job").mkdir(parents=True)
    (folder / "my-model").mkdir()
    (folder / "m-0123456789AB").mkdir()
    (folder / "m-0123456789ab").write_text("a file, not a folder")
    assert store.ids() == [model_id]
    assert [model.id for model in store.page()[0]] == [model_id]
    assert store.card("latest").id == model_id


def test_an_empty_or_missing_folder_has_no_models(store, folder):
    assert store.ids() == []
    assert store.page()[0] == []
    assert store.aliases() == {}
    assert not folder.exists()


@given(st.text() | st.sampled_from(["", ".", "..", ".staged", ".trash", "latest-", "m-\0", "%2e"]))
def test_an_unknown_reference_is_not_found(tmp_path_factory, reference):
    assume(not LATEST.fullmatch(reference))
    base = tmp_path_factory.getbasetemp() / "references"
    store = ModelStore(base)
    if not base.exists():
        add(store)
    for ask in (store.card, store.load, store.open_weights, store.delete, store.remove_alias):
        with pytest.raises(NotFoundError):
            ask(reference)


def test_a_reference_cannot_leave_the_folder(tmp_path):
    outside = add(ModelStore(tmp_path / "other"))
    store = ModelStore(tmp_path / "models")
    inside = add(store)
    for reference in (f"../other/{outside}", f"{inside}/../{inside}", str(tmp_path / "models")):
        with pytest.raises(NotFoundError):
            store.card(reference)


def test_the_opened_weights_match_the_checksum_in_the_card(store):
    card, file = store.open_weights(add(store))
    with file:
        assert hashlib.sha256(file.read()).hexdigest() == card.weights.sha256


def test_the_cache_of_networks_is_bounded(folder):
    size = sum(a.nbytes for a in make_network(0).named_arrays().values())
    with_card = size + 60_000
    store = ModelStore(folder, cache_bytes=2 * with_card)
    first, second, third = (add(store) for _ in range(3))
    settle()
    kept = store.load(first)[1]
    store.load(second)
    assert store.load(first)[1] is kept
    store.load(third)  # removes the second
    assert store.load(first)[1] is kept
    store.load(second), store.load(third)
    assert store.load(first)[1] is not kept


# Damage.


def rewrite_card(folder, change):
    path = folder / "card.json"
    card = json.loads(path.read_text())
    change(card)
    path.write_text(json.dumps(card))


def rewrite_weights(folder, change):
    """Change the tensors, and update the size and checksum in the card."""
    path = folder / "weights.safetensors"
    tensors = dict(load_tensors(path.read_bytes()))
    change(tensors)
    data = save_tensors(tensors)
    path.write_bytes(data)
    sha256 = hashlib.sha256(data).hexdigest()
    rewrite_card(folder, lambda card: card["weights"].update(bytes=len(data), sha256=sha256))


def flip_a_bit(folder):
    path = folder / "weights.safetensors"
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)


def cut(folder):
    os.truncate(folder / "weights.safetensors", 1000)


def lengthen(folder):
    with (folder / "weights.safetensors").open("ab") as file:
        file.write(b"\0")


DAMAGES = {
    "cut": cut,
    "lengthened": lengthen,
    "one bit flipped": flip_a_bit,
    "no weights": lambda folder: (folder / "weights.safetensors").unlink(),
    "card cut": lambda folder: os.truncate(folder / "card.json", 100),
    "card of another model": lambda folder: rewrite_card(
        folder, lambda card: card.update(id=new_model_id())
    ),
    "card of another recipe": lambda folder: rewrite_card(
        folder, lambda card: card["recipe"].update(hidden_sizes=[5, 4])
    ),
    "card of other layers": lambda folder: rewrite_card(
        folder,
        lambda card: card["recipe"].update(
            hidden_sizes=None, layers=[{"type": "convolution", "channels": 2, "kernel": 3}]
        ),
    ),
    "another type in the card": lambda folder: rewrite_card(
        folder, lambda card: card["weights"].update(dtype="F32")
    ),
    "no tensors": lambda folder: rewrite_weights(folder, dict.clear),
    "a tensor too many": lambda folder: rewrite_weights(
        folder, lambda tensors: tensors.update({"9.bias": np.zeros(3)})
    ),
    "a tensor of another shape": lambda folder: rewrite_weights(
        folder, lambda tensors: tensors.update({"0.weight": tensors["0.weight"].T.copy()})
    ),
    "a tensor of another type": lambda folder: rewrite_weights(
        folder, lambda tensors: tensors.update({"0.bias": tensors["0.bias"].astype(np.float16)})
    ),
    "weights in a folder's place": lambda folder: (
        (folder / "weights.safetensors").unlink(),
        (folder / "weights.safetensors").mkdir(),
    ),
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES.keys())
@pytest.mark.parametrize("read_before", [False, True], ids=["unread", "read"])
def test_a_damaged_model_is_listed_but_never_served(store, folder, damage, read_before):
    start = datetime(2026, 1, 1, tzinfo=UTC)
    whole = add(store, created_at=start)
    damaged = add(store, created_at=start + timedelta(days=1))
    if read_before:
        settle()
        assert store.load("latest")[0].id == damaged
    damage(folder / damaged)

    listed = {model.id: model for model in store.page()[0]}
    assert set(listed) == {whole, damaged}
    assert listed[whole].damage is None
    assert damaged in listed[damaged].damage
    for ask in (store.card, store.load, store.open_weights):
        with pytest.raises(DamagedModelError):
            ask(damaged)
    assert store.load("latest")[0].id == whole
    assert store.load(whole)[0].id == whole
    store.delete(damaged)
    assert store.ids() == [whole]


@pytest.mark.parametrize("read_before", [False, True], ids=["unread", "read"])
@pytest.mark.parametrize("left", [(), ("weights.safetensors",)], ids=["empty", "weights"])
def test_a_folder_without_a_card_is_not_a_model(store, folder, read_before, left):
    whole, other = add(store), add(store)
    if read_before:
        assert store.load(other)[0].id == other
    for path in (folder / other).iterdir():
        if path.name not in left:
            path.unlink()
    for ask in (store.card, store.load, store.open_weights, store.delete):
        with pytest.raises(NotFoundError):
            ask(other)
    assert not store.is_published(other)
    assert [model.id for model in store.page()[0]] == store.ids() == [whole]
    assert store.states() == [(whole, None)]


def test_a_model_is_loaded_without_its_untrained_network(store, folder):
    model_id = add(store)
    os.truncate(folder / model_id / "initial.safetensors", 100)
    assert store.load(model_id)[0].id == model_id
    assert [model.damage for model in store.page()[0]] == [None]
    with pytest.raises(DamagedModelError, match=r"initial\.safetensors"):
        store.load_initial(model_id)


def test_a_repaired_model_is_served_again(store, folder):
    model_id = add(store)
    for name in ("card.json", "weights.safetensors"):
        path = folder / model_id / name
        content = path.read_bytes()
        path.write_bytes(content[:-1] + b"?")
        settle()
        with pytest.raises(DamagedModelError):
            store.card("latest" if name != "card.json" else model_id)
        path.write_bytes(content)
        assert store.card("latest").id == model_id


# Aliases and deleting.


def test_an_alias_names_its_model_until_it_is_removed(store):
    first, second = add(store), add(store)
    store.set_alias("production", first)
    assert store.load("production")[0].id == first
    store.set_alias("production", second)
    assert store.aliases() == {"production": second}
    assert store.card("production").id == second
    store.remove_alias("production")
    assert store.aliases() == {}
    with pytest.raises(NotFoundError):
        store.card("production")
    with pytest.raises(NotFoundError):
        store.remove_alias("production")


@pytest.mark.parametrize("name", ["a", "0", "v1.2_b-c", "m-short", "x" * 63, "m-0123456789abc"])
def test_allowed_names_become_aliases(store, name):
    model_id = add(store)
    store.set_alias(name, model_id)
    assert store.card(name).id == model_id


@pytest.mark.parametrize(
    "name",
    [
        *("", "x" * 64, "-a", ".a", "_a", "Aa", "ä", "a b", "a/b", "a\n", "\0", "../a"),
        *("latest", "latest-mnist", "latestish", "m-0123456789ab"),
    ],
)
def test_other_names_are_rejected_as_aliases(store, name):
    model_id = add(store)
    with pytest.raises(InvalidInputError) as caught:
        store.set_alias(name, model_id)
    assert [fault.pointer for fault in caught.value.faults] == ["/name"]
    with pytest.raises(InvalidInputError) as caught:
        store.set_alias(name, "no model")
    assert [fault.pointer for fault in caught.value.faults] == ["/name", "/model"]
    assert store.aliases() == {}


@pytest.mark.parametrize("model", ["", "m-0123456789ab", "latest", "other", "../models"])
def test_an_alias_needs_the_id_of_a_model(store, model):
    store.set_alias("other", add(store))
    with pytest.raises(InvalidInputError) as caught:
        store.set_alias("name", model)
    assert [fault.pointer for fault in caught.value.faults] == ["/model"]


def test_an_aliased_model_is_not_deleted(store):
    model_id, other = add(store), add(store)
    for name in ("zwei", "eins"):
        store.set_alias(name, model_id)
    with pytest.raises(ConflictError, match="eins, zwei"):
        store.delete(model_id)
    assert store.card(model_id).id == model_id
    store.remove_alias("eins")
    store.set_alias("zwei", other)
    store.delete(model_id)
    assert store.ids() == [other]


def test_deleting_needs_an_id_and_removes_every_file(store, folder):
    model_id = add(store)
    store.set_alias("other", add(store))
    for reference in ("latest", "other", "m-0123456789ab"):
        with pytest.raises(NotFoundError):
            store.delete(reference)
    store.delete(model_id)
    with pytest.raises(NotFoundError):
        store.delete(model_id)
    with pytest.raises(NotFoundError):
        store.load(model_id)
    assert not (folder / model_id).exists()


@pytest.mark.parametrize("content", [b"", b"[]", b'{"a": 1}', b'{"a": "m-0123456789ab"', b"\xff"])
def test_models_are_served_if_the_file_of_aliases_is_damaged(store, folder, content):
    model_id = add(store)
    (folder / "aliases.json").write_bytes(content)
    with pytest.raises(DamagedModelError, match=r"aliases\.json"):
        store.aliases()
    with pytest.raises(DamagedModelError, match=r"aliases\.json"):
        store.set_alias("name", model_id)
    assert (folder / "aliases.json").read_bytes() == content
    assert store.load("latest")[0].id == store.load(model_id)[0].id == model_id


def test_an_alias_is_set_or_the_model_deleted_but_never_both(folder):
    """Two threads compete in many rounds. Each has its own store, as two processes would."""
    here, there = ModelStore(folder), ModelStore(folder)
    outcomes = Counter()
    with ThreadPoolExecutor(2) as pool:
        for number in range(40):
            model_id = add(here)
            barrier = threading.Barrier(2)

            def meet(act, *arguments, barrier=barrier):
                barrier.wait()
                try:
                    act(*arguments)
                except (ConflictError, InvalidInputError) as error:
                    return type(error)
                return None

            deleted = pool.submit(meet, here.delete, model_id)
            named = pool.submit(meet, there.set_alias, f"name-{number}", model_id)
            result = (deleted.result(), named.result())
            assert result in {(None, InvalidInputError), (ConflictError, None)}
            outcomes[result] += 1
    assert set(here.aliases().values()) == set(here.ids())


def test_a_model_deleted_right_after_it_was_looked_for_gets_no_alias(folder, monkeypatch):
    here, there = ModelStore(folder), ModelStore(folder)
    model_id = add(here)

    def is_published_and_then_deleted(model_id):
        monkeypatch.undo()
        published = there.is_published(model_id)
        here.delete(model_id)
        return published

    monkeypatch.setattr(there, "is_published", is_published_and_then_deleted)
    with pytest.raises(InvalidInputError, match="/model: must be the id of a model that exists"):
        there.set_alias("good", model_id)
    assert there.aliases() == {}


# Many processes.


def test_every_store_sees_each_change_immediately(folder):
    """Two changes within one tick of the file system's clock are seen too."""
    stores = [ModelStore(folder) for _ in range(2)]
    ids = []
    for number in range(30):
        for writer in stores:
            ids.append(add(writer))
            writer.set_alias("newest", ids[-1])
            for store in stores:
                assert sorted(store.ids()) == sorted(ids)
                assert store.aliases() == {"newest": ids[-1]}
                assert store.load("newest")[0].id == store.load("latest")[0].id == ids[-1]
        stores[number % 2].delete(ids.pop(0))
        for store in stores:
            assert sorted(store.ids()) == sorted(ids)


@pytest.mark.slow
def test_a_storm_of_processes_and_kills_leaves_only_whole_models(folder):
    """Three processes publish, delete and alias models at the same time.

    Four are killed and replaced: two at random moments, and two between two writes.
    """
    rng = random.Random(1)

    def start(*writes):
        process = subprocess.Popen(
            [
                *(sys.executable, "-W", "error", "-m", "tests.stepbox.store.store_storm"),
                *(folder, str(rng.randrange(2**32)), *map(str, writes)),
            ],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        processes.append(process)
        return process

    def look():
        models = store.page()[0]
        assert [model.damage for model in models if model.damage] == []
        for model in models:
            try:
                assert store.load(model.id)[0] == model.card
            except NotFoundError:
                assert model.id not in store.ids()

    folder.mkdir()
    store = ModelStore(folder)
    processes = []
    try:
        running = [start(rng.randrange(50)), start(), start(rng.randrange(50))]
        for process in running:
            assert process.stdout.readline() == "begun\n"
        for kill in (False, True, False, True):
            victim = running.pop(0)
            end = time.monotonic() + rng.random()
            while time.monotonic() < end if kill else victim.poll() is None:
                look()
            victim.kill()
            assert victim.communicate()[1] == ""
            running.append(start())
            assert running[-1].stdout.readline() == "begun\n"
        folder.with_name("stop").touch()
        done = Counter()
        for process in running:
            output, errors = process.communicate(timeout=PATIENCE_S)
            assert (process.returncode, errors) == (0, "")
            done.update(json.loads(output))
    finally:
        for process in processes:
            process.kill()
            process.communicate()

    assert {process.returncode for process in processes} == {0, -signal.SIGKILL}
    assert all(done[action] for action in ("publish", "delete", "alias", "unalias", "read"))
    assert set(store.aliases().values()) <= set(store.ids())
    for attempt in contents(folder / ".staged"):  # as the next attempts would do
        if store.is_staged(attempt):
            store.publish(attempt, attempt.removeprefix("job-"))
            assert not store.is_staged(attempt)
    store.sweep(keep_none, age=-1)
    assert contents(folder / ".staged") == []
    left = set(contents(folder)) - {".staged", ".lock", "aliases.json", ".aliases.json.new"}
    assert {name for name in left if not name.startswith("alias-")} == set(store.ids())
    for model in store.page()[0]:
        assert model.damage is None
        assert contents(folder / model.id) == [
            "card.json",
            "initial.safetensors",
            "weights.safetensors",
        ]
