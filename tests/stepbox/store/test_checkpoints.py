import numpy as np
import pytest
from safetensors.numpy import save

from stepbox.store.checkpoints import CheckpointStore


@pytest.fixture
def store(objects):
    return CheckpointStore(objects)


def state(epochs, samples=0):
    return {
        "0.weight": np.arange(6.0).reshape(2, 3).T,  # not contiguous
        "0.bias": np.ones(3, np.float32),
        "position": np.array([epochs, samples]),
    }


def test_a_saved_checkpoint_is_loaded(store):
    name = store.save("job", 3, state(2, 500))
    assert name == "e2-s500-f3"
    loaded = store.load("job", name)
    assert loaded.keys() == state(0).keys()
    for key, array in state(2, 500).items():
        np.testing.assert_array_equal(loaded[key], array)
        assert loaded[key].dtype == array.dtype


def test_a_missing_or_damaged_checkpoint_is_none(store, objects):
    assert store.load("job", "e1-s0-f1") is None
    name = store.save("job", 1, state(1))
    content = objects.get(f"job/{name}", 10_000)
    for damaged in (content[:-4], b""):
        objects.put(f"job/{name}", damaged)
        assert store.load("job", name) is None


@pytest.mark.parametrize("place", ["data", "checksum", "name", "shape"])
def test_a_checkpoint_is_compared_with_its_checksum(store, objects, place):
    name = store.save("job", 1, state(1))
    content = bytearray(objects.get(f"job/{name}", 10_000))
    start = {
        "data": len(content) - 1,
        "checksum": content.index(b"sha256") + 10,
        "name": content.index(b"0.bias"),
        "shape": content.index(b"[3,2]") + 1,
    }[place]
    if place == "shape":
        content[start], content[start + 2] = b"23"
    else:
        content[start] ^= 1
    objects.put(f"job/{name}", bytes(content))
    assert store.load("job", name) is None


def test_a_checkpoint_without_a_checksum_is_of_an_earlier_version(store, objects):
    arrays = {"0.bias": np.ones(3, np.float32), "position": np.array([1, 0])}
    objects.put("job/e1-s0-f1", save(arrays))
    objects.put("job/e2-s0-f1", save(arrays, {"other": "metadata"}))
    for name in ("e1-s0-f1", "e2-s0-f1"):
        assert store.load("job", name).keys() == arrays.keys()


def test_pruning_keeps_the_given_checkpoints_and_those_of_later_attempts(store, objects):
    old, stored, new = (store.save("job", 2, state(epochs)) for epochs in (1, 2, 3))
    later = store.save("job", 3, state(1))
    objects.put("job/.half.new", b"left by a kill")
    store.prune("job", 2, {stored, new, None})
    assert sorted(objects.names("job")) == sorted([stored, new, later])
    assert old not in objects.names("job")


def test_dropping_and_listing_jobs(store):
    assert store.jobs() == []
    store.drop("none")
    store.save("one", 1, state(1))
    store.save("two", 1, state(1))
    assert sorted(store.jobs()) == ["one", "two"]
    store.drop("one")
    assert store.jobs() == ["two"]
