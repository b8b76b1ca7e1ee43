"""Objects of a bucket are read at the same time, and the models can be used meanwhile."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from stepbox.errors import UnavailableError
from stepbox.store.models import ModelStore
from stepbox.store.objects import check_may_wait
from stepbox.store.parallel import outcomes
from tests.processes import PATIENCE_S
from tests.stepbox.store.test_models import add


def test_outcomes_come_in_order_with_their_errors():
    def half(number):
        check_may_wait("")
        if number % 2:
            raise ValueError(number)
        return number // 2

    for at_once in (1, 3):
        found = list(outcomes(half, range(20), at_once))
        assert [item for item, _ in found] == [*range(20)]
        assert [outcome for _, outcome in found[::2]] == [*range(10)]
        assert [str(error) for _, error in found[1::2]] == [str(odd) for odd in range(1, 20, 2)]


def test_calls_run_at_the_same_time():
    barrier = threading.Barrier(4, timeout=PATIENCE_S)

    def wait(item):
        check_may_wait("")
        barrier.wait()
        return item

    assert [outcome for _, outcome in outcomes(wait, range(8), 4)] == [*range(8)]


def test_what_is_in_memory_needs_no_thread():
    threads = {outcome for _, outcome in outcomes(lambda _: threading.get_ident(), range(9), 4)}
    assert threads == {threading.get_ident()}


def test_a_few_items_are_taken_in_advance():
    taken = []
    rest = outcomes(abs, (taken.append(item) or item for item in range(100)), 2)
    next(rest)
    assert taken == [0, 1, 2, 3]


def test_the_cards_of_a_listed_bucket_are_read_without_another_list(open_bucket, monkeypatch):
    ids = {add(ModelStore(open_bucket("bucket"))) for _ in range(5)}
    bucket = open_bucket("listed")
    bucket.refresh_all()

    def no_list(prefix):
        raise AssertionError(prefix)

    monkeypatch.setattr(bucket, "_list", no_list)
    assert {*ModelStore(bucket).ids()} == ids


def test_a_model_can_be_loaded_while_the_cards_are_read(open_bucket, monkeypatch):
    writer = ModelStore(open_bucket("bucket"))
    some, blocked = add(writer), add(writer)
    bucket = open_bucket("listed")
    bucket.refresh_all()
    reading, gate, get = threading.Event(), threading.Event(), bucket.get

    def slow(key, limit):
        if key.startswith(blocked):
            reading.set()
            gate.wait(PATIENCE_S)
        return get(key, limit)

    monkeypatch.setattr(bucket, "get", slow)
    store = ModelStore(bucket)
    with ThreadPoolExecutor(1) as pool:
        ids = pool.submit(store.ids)
        try:
            assert reading.wait(PATIENCE_S)
            assert store.load(some)[0].id == some
            for view in (store, store.seen_by("alice")):
                assert view.loaded(some)[0].id == some
            assert store.loaded("latest") is None  # a thread has to wait for it
            assert not ids.done()
        finally:
            gate.set()
        assert {*ids.result()} == {some, blocked}


def test_without_any_list_of_the_models_nobody_says_that_there_are_none(open_bucket, monkeypatch):
    writer = ModelStore(open_bucket("bucket"))
    first = add(writer)
    bucket = open_bucket("listed")
    bucket.refresh_all()
    get = bucket.get

    def away(key, limit):
        raise UnavailableError("the bucket does not answer", key)

    store = ModelStore(bucket)
    monkeypatch.setattr(bucket, "get", away)
    for ask in (store.ids, store.page, store.states, lambda: store.load("latest")):
        with pytest.raises(UnavailableError):
            ask()
    monkeypatch.setattr(bucket, "get", get)
    assert store.load("latest")[0].id == first
    second = add(writer)
    bucket.refresh(second)
    monkeypatch.setattr(bucket, "get", away)
    assert store.ids() == [first]  # the second one is left out until its card can be read
    assert store.load("latest")[0].id == first
    monkeypatch.setattr(bucket, "get", get)
    assert {*store.ids()} == {first, second}
