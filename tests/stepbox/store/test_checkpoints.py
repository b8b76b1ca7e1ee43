import numpy as np
import pytest

from stepbox.store.checkpoints import CheckpointStore


@pytest.fixture
def store(tmp_path):
    return CheckpointStore(tmp_path / "checkpoints")


def state(epochs, samples=0):
    return {
        "0.weight": np.arange(6.0).reshape(2, 3).T,  # not contiguous
        "0.bias": np.ones(3, np.float32),
        "position": np.array([epochs, samples]),
    }


def files(store, job="job"):
    return sorted(path.name for path in (store.folder / job).iterdir())


def test_what_is_saved_is_loaded(store):
    name = store.save("job", 3, state(2, 500))
    assert name == "e2-s500-f3"
    loaded = store.load("job", name)
    assert loaded.keys() == state(0).keys()
    for key, array in state(2, 500).items():
        np.testing.assert_array_equal(loaded[key], array)
        assert loaded[key].dtype == array.dtype


def test_a_missing_or_damaged_checkpoint_is_none(store):
    assert store.load("job", "e1-s0-f1") is None
    name = store.save("job", 1, state(1))
    path = store.folder / "job" / name
    path.write_bytes(path.read_bytes()[:-4])
    assert store.load("job", name) is None
    path.write_bytes(b"")
    assert store.load("job", name) is None


def test_pruning_leaves_what_counts_and_what_later_attempts_wrote(store):
    old, stored, new = (store.save("job", 2, state(epochs)) for epochs in (1, 2, 3))
    later = store.save("job", 3, state(1))
    (store.folder / "job" / ".half.new").write_bytes(b"left by a kill")
    store.prune("job", 2, {stored, new, None})
    assert files(store) == sorted([stored, new, later])
    assert old not in files(store)


def test_dropping_and_listing(store):
    assert store.jobs() == []
    store.drop("none")
    store.save("one", 1, state(1))
    store.save("two", 1, state(1))
    assert sorted(store.jobs()) == ["one", "two"]
    store.drop("one")
    assert store.jobs() == ["two"]
