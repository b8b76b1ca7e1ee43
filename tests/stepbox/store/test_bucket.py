"""What is particular to buckets: versions of documents, lists in memory, and failures."""

import errno
import os
import threading
import time

import numpy as np
import pytest
import redis

from jobs.changes import FIRST, KEPT, StoreChanges, latest, news
from stepbox.errors import DatasetError, NotInMemoryError, UnavailableError
from stepbox.store import bucket, listed
from stepbox.store.bucket import BucketStore
from stepbox.store.datasets import DatasetStore
from stepbox.store.local_cache import LocalCache
from stepbox.store.models import ModelStore
from stepbox.store.objects import from_memory
from tests.buckets import BUCKET, bucket_server
from tests.datasets import make_dataset, stage
from tests.processes import free_port
from tests.stepbox.store.test_models import add

CARD = "a/card.json"
LIMIT = 100


def append(letter):
    return lambda content: (content or b"") + letter


# -- documents --------------------------------------------------------------------------------


@pytest.mark.parametrize("server", ["rclone", "moto"])
def test_a_document_is_kept_as_its_newest_version(open_bucket, servers, server):
    store = open_bucket("bucket", server)
    store.put(CARD, b"a")
    prefix = store._url.removeprefix(f"s3://{BUCKET}/")
    assert servers(server).keys(prefix) == [f"{CARD}/000000000000"]
    for letter in (b"b", b"c"):
        store.update(CARD, append(letter), LIMIT)
    [key] = servers(server).keys(prefix)
    assert int(key.removeprefix(f"{CARD}/")) > 1
    assert store.get(CARD, LIMIT) == b"abc"
    store.put(CARD, b"a")  # as a process does that publishes the same model again
    assert store.get(CARD, LIMIT) == b"abc"
    store.delete(CARD)
    assert servers(server).keys(prefix) == []


def test_a_process_that_was_paused_in_its_turn_changes_nothing(open_bucket, redis_of_stores):
    """It goes on when another process has changed the document, and tries again."""
    store, other = open_bucket("bucket"), open_bucket("bucket")
    store.put(CARD, b"a")
    pauses = [True]

    def change(content):
        if pauses.pop():
            pauses.append(False)
            redis_of_stores.delete("store:turn")  # its time is over
            other.update(CARD, append(b"b"), LIMIT)
        return append(b"c")(content)

    store.update(CARD, change, LIMIT)
    assert store.get(CARD, LIMIT) == other.get(CARD, LIMIT) == b"abc"


def test_a_lost_turn_is_repeated_although_the_document_is_the_same(open_bucket, redis_of_stores):
    store, other = open_bucket("bucket"), open_bucket("bucket")
    store.put(CARD, b"a")
    seen = []

    def look(content):
        seen.append(content)
        if len(seen) == 1:
            redis_of_stores.delete("store:turn")  # its time is over
            other.update(CARD, append(b"b"), LIMIT)
        return content

    store.update(CARD, look, LIMIT)
    assert seen == [b"a", b"ab"]
    assert store.get(CARD, LIMIT) == b"ab"


def test_a_model_that_is_deleted_in_a_lost_turn_is_deleted(open_bucket, redis_of_stores):
    objects = open_bucket("bucket")
    models = ModelStore(objects)
    model = add(models)
    remove, removed = objects.delete_all, []

    def remove_and_lose_the_first_turn(prefix):
        remove(prefix)
        removed.append(prefix)
        if len(removed) == 1:
            redis_of_stores.delete("store:turn")

    objects.delete_all = remove_and_lose_the_first_turn
    models.delete(model)
    assert removed == [model, model]
    assert models.ids() == []


def test_a_version_of_a_lost_turn_is_below_those_that_came_later(open_bucket, redis_of_stores):
    store, other = open_bucket("bucket"), open_bucket("bucket")
    store.put(CARD, b"a")
    turn = store._turns.take(0)
    redis_of_stores.delete("store:turn")
    other.update(CARD, append(b"b"), LIMIT)
    assert store._change(CARD, lambda _: b"late", LIMIT, turn)
    assert store.get(CARD, LIMIT) == b"ab"
    assert not turn.end()
    other.update(CARD, append(b"c"), LIMIT)
    assert store.get(CARD, LIMIT) == b"abc"
    assert store.names(CARD) == other.names(CARD)
    assert len(store.names(CARD)) == 1


def test_numbers_go_on_when_redis_has_lost_its_data(open_bucket, redis_of_stores):
    store = open_bucket("bucket")
    for letter in (b"a", b"b"):
        store.update(CARD, append(letter), LIMIT)
    redis_of_stores.delete("store:number")
    store.update(CARD, append(b"c"), LIMIT)
    assert store.get(CARD, LIMIT) == b"abc"


def test_a_document_cannot_be_changed_without_redis(open_bucket):
    store = open_bucket("bucket")
    store.put(CARD, b"a")

    client = redis.Redis(port=free_port())
    store._turns = StoreChanges(lambda: client, "a")
    with pytest.raises(UnavailableError, match="Redis fails"):
        store.update(CARD, append(b"b"), LIMIT)
    assert store.get(CARD, LIMIT) == b"a"


# -- lists in memory --------------------------------------------------------------------------


def test_a_listed_bucket_answers_without_a_request(open_bucket):
    store = open_bucket("listed")
    store.put(CARD, b"a")
    store.put("b/c", b"")
    versions = store.versions(["", "a", CARD, "a/d", "aliases.json"])
    with from_memory():
        assert store.versions(["", "a", CARD, "a/d", "aliases.json"]) == versions
        assert store.size(CARD) == 1
        assert sorted(store.names()) == ["a", "b"]
        assert store.names("a") == ["card.json"]
        with pytest.raises(NotInMemoryError):
            store.get(CARD, LIMIT)
        with pytest.raises(NotInMemoryError):
            store.versions(["unknown"])
    assert versions[3:] == [None, None]


def test_other_processes_change_a_listed_bucket(open_bucket):
    store, other = open_bucket("listed"), open_bucket("bucket")
    assert store.names() == []
    other.put("a/b", b"1")
    assert store.names() == []  # nobody has told it
    assert store.size("a/b") == 1  # but what it does not know, it looks up
    assert store.names() == ["a"]
    other.put("a/b", b"22")
    other.put("c/d", b"")
    assert store.size("a/b") == 1
    store.refresh("a")
    assert store.size("a/b") == 2
    store.refresh_all()
    assert sorted(store.names()) == ["a", "c"]
    other.delete("a/b")
    store.refresh("a")
    assert store.names() == ["c"]


def test_a_document_that_was_replaced_since_the_list_is_read_anyway(open_bucket):
    store, other = open_bucket("listed"), open_bucket("bucket")
    other.put(CARD, b"a")
    store.refresh_all()
    assert store.get(CARD, LIMIT) == b"a"
    other.update(CARD, append(b"b"), LIMIT)  # removes the version in the list
    assert store.get(CARD, LIMIT) == b"ab"
    store.update(CARD, append(b"c"), LIMIT)  # changes the newest version, not the one in the list
    assert store.get(CARD, LIMIT) == other.get(CARD, LIMIT) == b"abc"


def test_an_older_list_replaces_no_newer_one(open_bucket, monkeypatch):
    store, other = open_bucket("listed"), open_bucket("bucket")
    other.put("a/b", b"1")
    listed = store.listed

    def slow(prefix=""):
        found = listed(prefix)
        if not prefix:
            other.put("a/b", b"22")
            store.refresh("a")
        return found

    monkeypatch.setattr(store, "listed", slow)
    store.refresh_all()
    assert store.size("a/b") == 2


def test_changes_are_announced(open_bucket, redis_of_stores):
    store = open_bucket("listed")
    folder = store._url.rpartition("/")[2]
    cursor = latest(redis_of_stores)
    store.put("m/a", b"")
    store.put(".hidden/a", b"")
    store.update("aliases.json", append(b"{}"), LIMIT)
    found = news(redis_of_stores, cursor, 60)
    assert found.keys == {f"{folder}/m", f"{folder}/aliases.json"}
    assert news(redis_of_stores, found.cursor, 0.001) == (frozenset(), found.cursor)
    store.delete_all("m")
    assert news(redis_of_stores, found.cursor, 60).keys == {f"{folder}/m"}


def test_news_wait_for_a_change(redis_of_stores):
    changes = StoreChanges(lambda: redis_of_stores, "models")
    cursor = latest(redis_of_stores)
    later = threading.Timer(0.2, changes.announce, ["m"])
    later.start()
    assert news(redis_of_stores, cursor, 60).keys == {"models/m"}
    later.join()


def test_who_has_missed_too_much_has_to_list_everything(redis_of_stores):
    changes = StoreChanges(lambda: redis_of_stores, "models")
    changes.announce("m")
    cursor = latest(redis_of_stores)
    assert cursor != FIRST
    with redis_of_stores.pipeline() as pipeline:
        for _ in range(2 * KEPT):
            pipeline.xadd("store:changes", {"key": "models/n"}, maxlen=KEPT)
        pipeline.execute()
    assert news(redis_of_stores, cursor, 0.001) == (None, latest(redis_of_stores))


def test_a_bucket_that_is_not_listed_yet_is_unavailable(open_bucket, monkeypatch):
    monkeypatch.setattr(listed, "WAIT_S", 0.01)
    store = open_bucket("listed")
    started = []
    store._start = lambda: started.append(1)
    for _ in range(2):
        with pytest.raises(UnavailableError, match="not been listed yet"):
            store.names()
    assert started == [1]


# -- failures ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("variable", "value", "why"),
    [
        ("GOOGLE_APPLICATION_CREDENTIALS", "/nothing", "Unable to open service account file"),
        ("GOOGLE_SERVICE_ACCOUNT_KEY", "{}", "missing field `private_key`"),
    ],
)
def test_wrong_credentials_of_google_are_no_outage(tmp_path, monkeypatch, variable, value, why):
    monkeypatch.setenv(variable, value)
    store = BucketStore(f"gs://{BUCKET}/a", LocalCache(tmp_path, 1), 1.0)
    with pytest.raises(UnavailableError, match=why) as caught:
        store.check()
    assert caught.value.refused


@pytest.mark.parametrize(
    ("change", "name", "why"),
    [
        ({"AWS_SECRET_ACCESS_KEY": "wrong"}, BUCKET, "403 Forbidden .SignatureDoesNotMatch."),
        ({"AWS_ACCESS_KEY_ID": "nobody"}, BUCKET, "403 Forbidden .InvalidAccessKeyId."),
        ({}, "nothing", "404 Not Found .NoSuchBucket."),
    ],
)
def test_a_bucket_that_refuses_says_why(servers, monkeypatch, tmp_path, change, name, why):
    for variable, value in (servers("rclone").environment | change).items():
        monkeypatch.setenv(variable, value)
    store = BucketStore(f"s3://{name}/a", LocalCache(tmp_path, 1), 60.0)
    for ask in (store.check, lambda: list(store.entries()), lambda: store.put("a", b"")):
        with pytest.raises(UnavailableError, match=why) as caught:
            ask()
        assert caught.value.refused


def test_a_bucket_that_does_not_answer_is_unavailable_until_it_does(tmp_path, monkeypatch):
    monkeypatch.setattr(bucket, "PAUSE_S", 1000.0)
    with bucket_server("rclone", tmp_path / "server") as server:
        for name, value in server.environment.items():
            monkeypatch.setenv(name, value)
        store = BucketStore(f"s3://{BUCKET}/a", LocalCache(tmp_path / "cache", 1), 3.0)
        store.put("b", b"data")
        server.process.stop()
        with pytest.raises(UnavailableError, match="does not answer") as caught:
            store.get("b", LIMIT)
        assert not caught.value.refused
        with pytest.raises(UnavailableError, match="just failed"):  # without trying
            store.get("b", LIMIT)
        server.start()
        store._away_until = time.monotonic()  # the pause is over
        assert store.get("b", LIMIT) == b"data"
        assert store._away_until == 0


def test_one_request_tries_whether_the_bucket_answers_again(open_bucket, monkeypatch):
    monkeypatch.setattr(bucket, "PAUSE_S", 1000.0)
    store = open_bucket("bucket")
    store.put("a/b", b"data")
    store._failed()
    store._away_until = time.monotonic()  # the pause is over
    _ = store._bucket  # the request that tries
    with pytest.raises(UnavailableError, match="just failed"):
        store.get("a/b", LIMIT)


@pytest.mark.parametrize("kind", ["bucket", "listed"])
def test_every_request_can_be_the_first_after_an_outage(open_bucket, monkeypatch, kind):
    monkeypatch.setattr(bucket, "PAUSE_S", 1000.0)
    store = open_bucket(kind)
    store.put(CARD, b"data")
    store.put("b/c", b"data")
    for ask in (
        store.check,
        lambda: store.get(CARD, LIMIT),
        lambda: list(store.pieces(CARD)),
        lambda: list(store.entries("a")),
        lambda: store.update(CARD, append(b"!"), LIMIT),
        lambda: store.put("b/d", b""),
        lambda: store.move("b/c", "b/e"),
        lambda: store.move(CARD, "f/card.json"),
        lambda: store.local_file("b/e"),
        lambda: store.delete("b/e"),
        lambda: store.delete_all("f"),
        lambda: store.versions(["", "unknown"]),
        store.names,
    ):
        store._away_until = time.monotonic()  # the pause is over
        ask()
    store._away_until = time.monotonic()
    store.check()
    assert store._away_until == 0


def test_a_wrong_setting_of_a_bucket_is_no_outage(tmp_path, monkeypatch):
    for name in ("AZURE_STORAGE_ACCOUNT_NAME", "AZURE_STORAGE_ACCOUNT_KEY"):
        monkeypatch.delenv(name, raising=False)
    store = BucketStore("az://container/a", LocalCache(tmp_path, 1), 1.0)
    with pytest.raises(UnavailableError, match="Account must be specified") as caught:
        store.check()
    assert caught.value.refused


def test_a_disk_without_room_is_no_outage(open_bucket, monkeypatch):
    store = open_bucket("bucket")
    store.put("a/b", b"data")

    def keep(identity, pieces):
        for _ in pieces:
            raise OSError(errno.ENOSPC, "no room")

    monkeypatch.setattr(store._cache, "keep", keep)
    with pytest.raises(OSError, match="no room") as caught:
        store.local_file("a/b")
    assert not isinstance(caught.value, UnavailableError)
    assert store.get("a/b", LIMIT) == b"data"


def test_a_request_is_repeated_while_the_bucket_does_not_answer(tmp_path, monkeypatch):
    with bucket_server("rclone", tmp_path / "server") as server:
        for name, value in server.environment.items():
            monkeypatch.setenv(name, value)
        store = BucketStore(f"s3://{BUCKET}/a", LocalCache(tmp_path / "cache", 1), 60.0)
        store.put("b", b"data")
        server.process.stop()
        later = threading.Timer(0.5, server.start)
        later.start()
        assert store.get("b", LIMIT) == b"data"
        later.join()


# -- local copies -----------------------------------------------------------------------------


def test_a_local_copy_is_made_once(open_bucket):
    store = open_bucket("bucket")
    store.put("a/b", b"data")
    path = store.local_file("a/b")
    assert path.read_bytes() == b"data"
    with from_memory():
        assert store.local_file("a/b") == path
    with pytest.raises(FileNotFoundError):
        store.local_file("a/c")


def test_a_damaged_copy_of_a_data_set_is_loaded_again(open_bucket, data_folder):
    objects = open_bucket("bucket")
    store = DatasetStore(objects, data_folder)
    spec, arrays = make_dataset("some", (8, 8))
    place = stage(store, spec, arrays)
    store.publish(place)
    key = f"{place}/train-samples.npy"
    for damage in (lambda content: b"", lambda content: content[:-1] + b"?"):
        copy = objects.local_file(key)
        copy.write_bytes(damage(copy.read_bytes()))
        found = DatasetStore(objects, data_folder).load(spec.id, "train")
        np.testing.assert_array_equal(found.samples, arrays["train-samples.npy"])
    content = objects.get(key, 2**20)
    objects.put(key, content[:-1] + b"?")
    objects.forget_local(key)
    with pytest.raises(DatasetError, match="differ from its description"):
        DatasetStore(objects, data_folder).load(spec.id, "train")


def test_the_least_recently_used_copies_are_removed(tmp_path):
    cache = LocalCache(tmp_path / "cache", 25)
    paths = {}
    for name, age in (("a", 30), ("b", 20)):
        paths[name] = cache.keep(name, [name.encode() * 10])
        os.utime(paths[name], (time.time() - age,) * 2)
    assert cache.find("a") == paths["a"]  # now b is the oldest
    cache.keep("c", [b"c" * 5, b"c" * 5])
    assert cache.find("b") is None
    assert cache.find("a").read_bytes() == b"a" * 10
    assert cache.find("c").read_bytes() == b"c" * 10
    cache.keep("large", [b"x" * 100])
    assert [path.read_bytes() for path in (tmp_path / "cache").iterdir()] == [b"x" * 100]


def test_a_copy_that_fails_leaves_nothing(tmp_path):
    cache = LocalCache(tmp_path / "cache", 100)

    def pieces():
        yield b"data"
        raise UnavailableError("the bucket does not answer", "a")

    with pytest.raises(UnavailableError):
        cache.keep("a", pieces())
    assert [*(tmp_path / "cache").iterdir()] == []
    assert cache.find("a") is None


def test_parts_that_killed_processes_left_are_removed(tmp_path):
    cache = LocalCache(tmp_path, 100)
    old, young = tmp_path / "a.part", tmp_path / "b.part"
    for path in (old, young):
        path.write_bytes(b"")
    os.utime(old, (1, 1))
    kept = cache.keep("c", [b"data"])
    assert sorted(tmp_path.iterdir()) == sorted([kept, young])
