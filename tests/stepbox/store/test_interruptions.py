"""Interruptions: a process that ends between two writes leaves a whole model or none."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from stepbox.errors import ConflictError, NotFoundError
from stepbox.store.folder import FolderStore
from stepbox.store.models import ModelStore, new_model_id
from tests.datasets import keep_none
from tests.stepbox.store.memory_store import MemoryStore
from tests.stepbox.store.test_models import add, make_draft, make_network

MOST_WRITES = 20


class EndedError(BaseException):
    """Simulates the end of the process."""


def ending(kind):
    """Make a subclass of a store that raises EndedError after `writes` writes."""

    class Ending(kind):
        writes = None

        def _write(self, write, *arguments):
            if self.writes == 0:
                raise EndedError
            if self.writes is not None:
                self.writes -= 1
            write(*arguments)

        def put(self, key, data):
            self._write(super().put, key, data)

        def move(self, source, target):
            self._write(super().move, source, target)

        def delete(self, key):
            self._write(super().delete, key)

        def delete_all(self, prefix):
            self._write(super().delete_all, prefix)

    return Ending


def copying(kind):
    """Make a subclass of a store that moves as a bucket does: it copies, then deletes."""

    class Copying(kind):
        def move(self, source, target):
            self.put(target, self.get(source, 2**20))
            self.delete(source)

    return Copying


@pytest.fixture(params=["folder", "memory", "bucket"])
def storage(request, folder):
    if request.param == "folder":
        return ending(FolderStore)(folder)
    return (copying(ending(MemoryStore)) if request.param == "bucket" else ending(MemoryStore))()


def until_it_ends(storage, act):
    """Interrupt `act` after 0, 1, 2… writes until it completes; yield if it was interrupted."""
    for writes in range(MOST_WRITES):
        storage.writes = writes
        try:
            act()
            ended = False
        except EndedError:
            ended = True
        storage.writes = None
        yield ended
        if not ended:
            return
    raise AssertionError("it does not end")


def stage(store, model_id, seed=1):
    store.stage(model_id, make_draft(model_id), make_network(seed), make_network(0))


def check_models(storage, *ids):
    """Check that the store has exactly these models, with two new `ModelStore` objects."""
    for store in (ModelStore(storage), ModelStore(storage)):
        assert {model.id: model.damage for model in store.page()[0]} == dict.fromkeys(ids)
        assert set(store.ids()) == set(ids)
        assert all(store.load_initial(one)[0].id == one for one in ids)


def test_the_next_attempt_publishes_the_model_that_an_interrupted_one_staged(storage):
    """As a worker does, publish a model that is staged, and train it again if it is not."""
    attempts = []

    def act():
        attempts.append(new_model_id())
        stage(ModelStore(storage), attempts[-1])
        ModelStore(storage).publish(attempts[-1], attempts[-1])

    seen = ModelStore(storage)
    published, found = [], set()
    for ended in until_it_ends(storage, act):
        [*_, model_id] = attempts
        store = ModelStore(storage)
        state = store.is_staged(model_id), store.is_published(model_id)
        found.add(state)
        assert set(seen.ids()) == {*published, *([model_id] if state[1] else [])}
        if not any(state):
            assert ended
            stage(store, model_id, seed=2)
        for _ in range(2):
            store.publish(model_id, model_id)
        published.append(model_id)
        check_models(storage, *published)
        assert storage.names(f".staged/{model_id}") == []
        assert store.load("latest")[0].id == seen.load("latest")[0].id == model_id
    assert {(False, False), (True, False), (False, True)} <= found
    assert set(storage.names()) - {".staged"} == set(published)


def test_an_interrupted_deletion_leaves_a_whole_model_or_none(storage):
    store = ModelStore(storage)
    kept, model_id = add(store), add(store)
    for _ in until_it_ends(storage, lambda: store.delete(model_id)):
        assert set(store.ids()) <= {kept, model_id}
        if not store.is_published(model_id):
            break
        check_models(storage, kept, model_id)
    for reader in (store, ModelStore(storage)):
        with pytest.raises(NotFoundError):
            reader.load(model_id)
        assert reader.ids() == [kept]
    with pytest.raises(NotFoundError):
        store.delete(model_id)
    store.sweep(keep_none, age=3600)
    assert model_id not in storage.names() or storage.names(model_id)  # too young to be swept
    store.sweep(keep_none, age=-1)
    check_models(storage, kept)
    assert storage.names(model_id) == []


def test_two_attempts_that_publish_the_same_model_at_once_both_succeed(storage):
    with ThreadPoolExecutor(2) as pool:
        for _ in range(20):
            model_id = new_model_id()
            stage(ModelStore(storage), model_id)
            barrier = threading.Barrier(2)

            def publish(_, model_id=model_id, barrier=barrier):
                store = ModelStore(storage)
                barrier.wait()
                store.publish(model_id, model_id)

            list(pool.map(publish, range(2)))
            assert ModelStore(storage).load("latest")[0].id == model_id


def test_another_model_with_the_same_id_is_a_conflict(storage):
    store = ModelStore(storage)
    model_id = add(store)
    stage(store, model_id, seed=2)
    with pytest.raises(ConflictError):
        store.publish(model_id, model_id)
    assert store.is_staged(model_id)
    check_models(storage, model_id)
