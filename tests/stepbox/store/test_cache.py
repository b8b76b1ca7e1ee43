"""Values are cached until objects change, even if many threads request them at once."""

import os
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from stepbox.errors import DamagedModelError
from stepbox.store import cache as cache_module
from stepbox.store.cache import ObjectCache
from stepbox.store.folder import FolderStore
from stepbox.store.models import ModelStore
from tests.processes import wait_until
from tests.stepbox.store.test_models import MNIST, add, settle

THREADS = 8


def cache_in(folder, limit):
    return ObjectCache(limit, objects=FolderStore(folder))


def ask_at_once(ask, begun, gate):
    """Let threads request a value that is computed when the gate opens; return their results."""
    threads = set()

    def run():
        threads.add(threading.get_ident())
        try:
            return ask()
        except ZeroDivisionError as error:
            return error

    def all_wait():
        frames = sys._current_frames()
        return len(threads) == THREADS and {frames[one].f_code.co_name for one in threads} == {
            "wait"
        }

    with ThreadPoolExecutor(THREADS) as pool:
        futures = [pool.submit(run) for _ in range(THREADS)]
        begun.wait()
        try:
            wait_until(all_wait, what="all threads to wait")
        finally:
            gate.set()
        return [future.result() for future in futures]


def test_a_value_is_cached_until_its_file_changes(tmp_path, monkeypatch):
    path = tmp_path / "file"
    cache = cache_in(tmp_path, 10)

    def read():
        return cache.get("key", ["file"], lambda: (path.read_text(), object()))

    path.write_text("one")
    with monkeypatch.context() as patch:  # too young to be trusted, however long the reads take
        patch.setattr(cache_module, "SETTLING_NS", 10**12)
        assert read() is not read()
    settle()
    assert read() is read()
    times = path.stat()
    path.write_text("two")  # with the same size and the same time of the last write
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert read()[0] == "two"
    path.unlink()
    with pytest.raises(FileNotFoundError):
        read()


def test_the_least_recently_used_values_are_removed_first(tmp_path):
    cache = ObjectCache(10, len, FolderStore(tmp_path))
    computed = []

    def ask(key, size=4):
        def compute():
            computed.append(key)
            return "x" * size

        return cache.get(key, ["none"], compute)

    for key in "ababcb":  # c replaces a
        ask(key)
    assert computed == ["a", "b", "c"]
    ask("a")  # replaces c
    ask("b")
    assert computed == ["a", "b", "c", "a"]
    ask("d", size=11)  # too large: it is not cached
    ask("d", size=11)
    ask("e", size=10)
    ask("e", size=10)
    assert computed == ["a", "b", "c", "a", "d", "d", "e"]


def test_an_error_is_not_cached(tmp_path):
    cache = cache_in(tmp_path, 1)
    with pytest.raises(ZeroDivisionError):
        cache.get("key", ["none"], lambda: 1 // 0)
    assert cache.get("key", ["none"], lambda: 5) == 5


def test_threads_share_a_cache(tmp_path):
    cache = cache_in(tmp_path, 3)

    def ask(number):
        return all(
            cache.get(str(key), ["none"], lambda key=key: key) == key
            for key in np.random.default_rng(number).integers(0, 6, 3000)
        )

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(ask, range(8)))
    assert len(cache._entries) == cache._total == 3


@pytest.mark.parametrize("limit", [0, 1], ids=["not kept", "kept"])
@pytest.mark.parametrize("outcome", [object, lambda: 1 // 0], ids=["value", "error"])
def test_one_thread_computes_and_the_others_wait(tmp_path, limit, outcome):
    cache = cache_in(tmp_path, limit)
    begun, gate = threading.Event(), threading.Event()
    computed = []

    def compute():
        computed.append(threading.get_ident())
        begun.set()
        gate.wait()
        return outcome()

    results = ask_at_once(lambda: cache.get("key", ["none"], compute), begun, gate)
    assert len(computed) == 1
    assert len({id(result) for result in results}) == 1
    assert cache.get("other", [], lambda: 5) == 5


def test_a_computation_begun_before_a_change_is_not_shared(tmp_path):
    """Two writes in one tick of the clock may give the same version, which hides the second."""
    path = tmp_path / "file"
    cache = cache_in(tmp_path, 1)
    begun, gate = threading.Event(), threading.Event()
    path.write_text("old")

    def compute():
        content = path.read_text()
        if not begun.is_set():
            begun.set()
            gate.wait()
        return content

    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(cache.get, "key", ["file"], compute)
        begun.wait()
        path.write_text("new")
        second = pool.submit(cache.get, "key", ["file"], compute)
        gate.set()
        assert (first.result(), second.result()) == ("old", "new")
    settle()
    assert cache.get("key", ["file"], compute) == "new"


def test_a_cached_value_is_returned_without_computing(tmp_path):
    cache = cache_in(tmp_path, 1)
    path = tmp_path / "file"
    assert cache.cached("key", ["file"]) is None
    cache.get("key", ["file"], lambda: 5)
    assert cache.cached("key", ["file"]) == 5
    path.touch()
    assert cache.cached("key", ["file"]) is None


# Only small untrained networks stay in the cache. A thread that comes late would read a large one
# again.
@pytest.mark.parametrize(
    ("way", "hidden_sizes"),
    [("card", (1024, 256)), ("load", (1024, 256)), ("load_initial", (100,))],
)
def test_a_model_is_read_once_for_many_threads(tmp_path, opened, way, hidden_sizes):
    recipe = MNIST.model_copy(update={"hidden_sizes": hidden_sizes})
    model_id = add(ModelStore(tmp_path), recipe)
    store = ModelStore(tmp_path)
    settle()
    barrier = threading.Barrier(THREADS)

    def ask(_):
        barrier.wait()
        return getattr(store, way)(model_id)

    opened(tmp_path)
    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(ask, range(THREADS)))
    files = opened(tmp_path)
    assert len(files) == len(set(files))


def test_a_cached_network_is_returned_without_reading(tmp_path, opened):
    store = ModelStore(tmp_path)
    model_id = add(store)
    settle()
    assert store.loaded("latest") is None
    _, network = store.load("latest")
    opened(tmp_path)
    assert store.loaded("latest")[1] is store.loaded(model_id)[1] is network
    weights = tmp_path / model_id / "weights.safetensors"
    content = weights.read_bytes()
    weights.unlink()
    assert store.loaded(model_id) is None
    with pytest.raises(DamagedModelError, match="missing"):
        store.load(model_id)
    with pytest.raises(DamagedModelError, match="missing"):  # the damage is cached now
        store.loaded(model_id)
    weights.write_bytes(content)
    assert store.loaded(model_id) is None
    np.testing.assert_array_equal(
        store.load(model_id)[1].layers[0].weights, network.layers[0].weights
    )
