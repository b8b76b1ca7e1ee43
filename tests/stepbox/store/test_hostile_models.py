"""Hostile files in the folder of models. Each harms only its own model."""

import json
import os
import shutil
import subprocess
import sys
from datetime import UTC, datetime

import pytest

from stepbox.data.builtin import DATASETS
from stepbox.errors import DamagedModelError, StoreError
from stepbox.store.folder import FolderStore
from stepbox.store.index import ModelIndex
from stepbox.store.loader import CACHE_BYTES
from stepbox.store.models import ModelStore, new_model_id
from stepbox.training.layer_options import MOST_PARAMETERS
from tests.stepbox.store.test_models import MNIST, ROOT, add, contents, rewrite_card, settle

OLD, NEW = (datetime(year, 1, 1, tzinfo=UTC) for year in (2026, 2027))


def in_place_of(name, put):
    def damage(folder):
        (folder / name).unlink()
        put(folder / name)

    return damage


def enlarge(name):
    return lambda folder: os.truncate(folder / name, 2**30)


def in_card(*path, value):
    def change(card):
        *parents, last = path
        for key in parents:
            card = card[key]
        card[last] = value

    return lambda folder: rewrite_card(folder, change)


def with_layers(*layers, **dataset):
    """Return what gives a card a recipe with these layers, and changes its data set."""

    def change(card):
        card["recipe"].update(hidden_sizes=None, layers=layers)
        card["dataset"].update(dataset)

    return lambda folder: rewrite_card(folder, change)


WIDE = {"type": "convolution", "channels": 256, "kernel": 15, "stride": 1, "padding": 7}


def is_folder(path):
    path.mkdir()


def is_loop(path):
    path.symlink_to(path)


DAMAGES = {
    "card a pipe": (in_place_of("card.json", os.mkfifo), "not a regular file"),
    "card a folder": (in_place_of("card.json", is_folder), "not a regular file"),
    "card a device": (
        in_place_of("card.json", lambda path: path.symlink_to("/dev/zero")), "not a regular file"
    ),
    "card a link to itself": (in_place_of("card.json", is_loop), "cannot be read"),
    "card of a gigabyte": (enlarge("card.json"), "larger than the limit of 33,554,432 bytes"),
    "weights a pipe": (in_place_of("weights.safetensors", os.mkfifo), "not a regular file"),
    "weights a device": (
        in_place_of("weights.safetensors", lambda path: path.symlink_to("/dev/zero")),
        "not a regular file",
    ),
    "weights a link to nothing": (
        in_place_of("weights.safetensors", lambda path: path.symlink_to("none")), "is missing"
    ),
    "weights of a gigabyte": (enlarge("weights.safetensors"), "its size differs"),
    "a petabyte of weights": (in_card("weights", "bytes", value=1e15), "its recipe's network"),
    "too few weights": (in_card("weights", "bytes", value=1), "its recipe's network"),
    "weights of many gigabytes": (with_layers(*[WIDE] * 16), "parameters of all layers: at most"),
    "minutes for one sample": (
        with_layers(*[{**WIDE, "channels": 48}] * 3), "multiplications for one sample: at most"
    ),
    "feature maps of a gigabyte": (
        with_layers({**WIDE, "kernel": 1}, name="other", id="other", shape=[2000, 2000]),
        "outputs of a layer: at most",
    ),
    "a kernel larger than its input": (
        with_layers(*[{"type": "max-pool", "size": 8, "stride": 8}] * 2), "/layers/1: a window of 8"
    ),
    "both kinds of layers": (
        in_card("recipe", "layers", value=[{"type": "dense", "neurons": 5}]),
        "Exactly one of layers and hidden_sizes",
    ),
    "no layers at all": (
        in_card("recipe", "hidden_sizes", value=None), "Exactly one of layers and hidden_sizes"
    ),
    "a type of layer that is not known": (
        with_layers({"type": "__class__", "neurons": 5}), "recipe.layers.0"
    ),
    "too many layers": (with_layers(*[{"type": "dense", "neurons": 1}] * 17), "recipe.layers"),
    "a date after year 9999": (in_card("created_at", value=1e300), "created_at: "),
    "a date before year 1 in UTC": (
        in_card("created_at", value="0001-01-01T00:00:00+05:00"), "created_at: "
    ),
    "endless seconds": (
        in_card("history", 1, "seconds", value=float("inf")), "history.1.seconds: "
    ),
    "a pace that is no number": (
        in_card("cost", value={"peak_memory": 1, "samples_per_second": float("nan")}),
        "cost.samples_per_second: ",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("damage", "message"), DAMAGES.values(), ids=DAMAGES.keys())
@pytest.mark.parametrize("read_before", [False, True], ids=["unread", "read"])
def test_hostile_files_harm_only_their_own_model(store, folder, damage, message, read_before):
    whole = add(store, created_at=OLD)
    hostile = add(store, created_at=NEW)
    if read_before:
        settle()
        assert store.load("latest")[0].id == hostile
    damage(folder / hostile)
    listed = {model.id: model.damage for model in store.page()[0]}
    assert listed.pop(whole) is None
    assert message in listed.pop(hostile)
    assert listed == {}
    for ask in (store.card, store.load, store.open_weights):
        with pytest.raises(DamagedModelError, match=hostile):
            ask(hostile)
    states = dict(store.states())
    assert states.pop(whole) is None
    assert message in states.pop(hostile)
    settle()
    assert store.load("latest")[0].id == store.load("latest-mnist")[0].id == whole
    assert store.loaded("latest")[0].id == whole  # without reading the damaged model again
    store.delete(hostile)
    assert contents(folder) == sorted({".lock", ".staged", whole})


@pytest.mark.parametrize("put", [os.mkfifo, is_folder, is_loop])
def test_models_are_served_if_the_aliases_are_not_a_regular_file(store, folder, put):
    model_id = add(store)
    put(folder / "aliases.json")
    with pytest.raises(DamagedModelError, match=r"aliases\.json cannot be read"):
        store.aliases()
    assert store.load("latest")[0].id == model_id


def test_a_damaged_file_is_read_once_and_again_when_it_changes(store, folder, opened):
    whole = add(store, created_at=OLD)
    no_card, no_weights = (add(store, created_at=NEW) for _ in range(2))
    card, weights = (folder / no_card / "card.json", folder / no_weights / "weights.safetensors")
    contents = card.read_bytes(), weights.read_bytes()
    card.write_text("{}")
    weights.write_bytes(contents[1][:-1] + b"?")
    settle()

    def ask():
        opened(folder)
        assert store.load("latest")[0].id == store.card("latest").id == whole
        assert [model.id for model in store.page()[0] if model.damage] == [no_weights, no_card]
        return opened(folder)

    assert ask() != []
    assert ask() == []
    card.write_bytes(contents[0])
    assert store.load("latest")[0].id == no_card
    weights.write_bytes(contents[1])
    assert {model.damage for model in store.page()[0]} == {None}


def test_a_new_model_is_found_without_reading_the_others(store, folder, opened):
    first = add(store, created_at=OLD)
    for _ in range(3):
        shutil.copytree(folder / first, folder / new_model_id())  # each with another model's card
    index = ModelIndex(FolderStore(folder))
    settle()
    assert {model.dataset for model in index.newest_first()} == {"mnist", None}
    second = add(store, created_at=NEW)
    opened(folder)
    assert [model.id for model in index.newest_first()][:2] == [second, first]
    assert opened(folder) == [f"{second}/card.json"]
    store.delete(first)
    opened(folder)
    assert [model.dataset for model in index.newest_first()] == ["mnist", None, None, None]
    assert opened(folder) == []


def test_three_of_the_largest_models_stay_in_memory():
    largest = MNIST.model_copy(update={"hidden_sizes": (1024,) * 8})
    network = 8 * sum(layer.parameters for layer in largest.layer_specs(DATASETS["mnist"]))
    network = max(network, 8 * MOST_PARAMETERS)
    card = 2**20  # of a data set with few classes
    assert 3 * (network + card) <= CACHE_BYTES


def test_the_card_of_the_longest_training_is_read(store, folder):
    model_id = add(store)
    card = json.loads((folder / model_id / "card.json").read_text())
    entry = {**card["history"][1], "seconds": 12.123456789012345}
    card["history"] = [{**entry, "epoch": epoch} for epoch in range(1001)]
    (folder / model_id / "card.json").write_text(json.dumps(card, indent=1))
    assert len(store.card(model_id).history) == 1001


@pytest.mark.parametrize(
    ("put", "reason"), [(is_folder, "Is a directory"), (os.mkfifo, "No such device")]
)
def test_a_store_that_cannot_be_written_raises_a_store_error(store, folder, put, reason):
    model_id, other = add(store), add(store)
    store.set_alias("name", other)
    (folder / ".lock").unlink()
    put(folder / ".lock")
    for act, *arguments in (
        (store.set_alias, "name", model_id),
        (store.remove_alias, "name"),
        (store.delete, model_id),
    ):
        with pytest.raises(StoreError, match=f"cannot be written: {reason}"):
            act(*arguments)
    assert store.aliases() == {"name": other}
    assert set(store.ids()) == {model_id, other}


def test_a_full_disk_changes_no_alias(store, folder):
    model_id = add(store)
    store.set_alias("old", model_id)
    script = (
        "import resource, sys\n"
        "from pathlib import Path\n"
        "from stepbox.errors import StoreError\n"
        "from stepbox.store.models import ModelStore\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))\n"
        "try:\n"
        "    ModelStore(Path(sys.argv[1])).set_alias('new', sys.argv[2])\n"
        "except StoreError as error:\n"
        "    print(error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, folder, model_id],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "the folder of models cannot be written: File too large\n"
    assert store.aliases() == {"old": model_id}


def test_a_folder_that_cannot_be_read_raises_a_store_error(tmp_path):
    is_loop(tmp_path / "models")
    with pytest.raises(StoreError, match="cannot be read"):
        ModelStore(tmp_path / "models").card("latest")
