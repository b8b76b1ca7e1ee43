"""All kinds of object stores, and what can happen only in a folder."""

import os
import re
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import numpy as np
import pytest

from stepbox.errors import DamagedModelError
from stepbox.store.folder import FolderStore
from stepbox.store.objects import PIECE_BYTES, object_store

LIMIT = 100


def readers(objects):
    """Return the methods that read one object, and need no limit."""
    return objects.open, objects.size, objects.local_file, objects.map_array


def test_an_object_is_stored_read_and_replaced(objects):
    for data in (b"one", b"", b"three"):
        objects.put("a/b/c", data)
        assert objects.get("a/b/c", LIMIT) == data
        assert objects.size("a/b/c") == len(data)
        with objects.open("a/b/c") as file:
            assert file.read() == data
            file.seek(0)
            assert file.read(2) == data[:2]


def test_a_missing_object_raises_file_not_found(objects):
    objects.put("a/b", b"")
    for key in ("none", "a/none", "a/b/none", "none/none"):
        for ask in (lambda key: objects.get(key, LIMIT), *readers(objects)):
            with pytest.raises(FileNotFoundError) as caught:
                ask(key)
            assert caught.value.filename.endswith(key)
        with pytest.raises(FileNotFoundError):
            objects.move(key, "new/b")
        assert objects.versions([key]) == [None]
        assert objects.names(key) == []
        assert [*objects.entries(key)] == []
        if key != "a/b/none":  # no object has its key below that of another
            objects.delete(key)
            objects.delete_all(key)
    assert objects.names() == ["a"]


def test_an_object_larger_than_the_limit_is_rejected(objects):
    objects.put("a", b"x" * (LIMIT + 1))
    assert len(objects.get("a", LIMIT + 1)) == LIMIT + 1
    with pytest.raises(DamagedModelError, match="larger than the limit of 100 bytes"):
        objects.get("a", LIMIT)


def test_names_are_those_directly_below_a_prefix(objects):
    for key in ("a", "b/c", "b/d", "b/e/f", "bb/g", ".h/i"):
        objects.put(key, b"")
    assert sorted({*objects.names()} - {".h"}) == ["a", "b", "bb"]
    assert objects.names(".h") == ["i"]
    assert sorted(objects.names("b")) == ["c", "d", "e"]
    assert objects.names("b/e") == ["f"]
    assert objects.names("b/c") == []


def test_entries_are_all_objects_below_a_prefix(objects):
    assert [*objects.entries()] == []
    for key in ("a", "b/c", "b/e/f", "b/.g/h", "bb/g"):
        objects.put(key, key.encode())
    before = time.time()
    objects.put("b/c", b"longer")
    objects.update("bb/card.json", lambda content: b"", LIMIT)
    found = {entry.key: entry for entry in objects.entries()}
    sizes = {"a": 1, "b/c": 6, "b/e/f": 5, "b/.g/h": 6, "bb/g": 4, "bb/card.json": 0}
    assert {key: entry.size for key, entry in found.items()} == sizes
    assert before - 1 < found["b/c"].modified < time.time() + 1
    assert sorted(entry.key for entry in objects.entries("b")) == ["b/.g/h", "b/c", "b/e/f"]
    assert [entry.key for entry in objects.entries("b/e")] == ["b/e/f"]
    for prefix in ("..", "b/", "b/../a"):
        with pytest.raises(ValueError, match="cannot be the key"):
            next(objects.entries(prefix))


def test_an_object_that_is_written_in_pieces_exists_when_it_is_complete(objects):
    objects.put("a/b", b"old")
    writer = objects.writer("a/b")
    for data in (b"one ", bytearray(b"two "), memoryview(b"-three-")[1:-1]):
        writer.write(data)
    assert objects.get("a/b", LIMIT) == b"old"
    assert [(entry.key, entry.size) for entry in objects.entries()] == [("a/b", 3)]
    writer.commit()
    assert objects.get("a/b", LIMIT) == b"one two three"
    writer.abort()
    assert objects.get("a/b", LIMIT) == b"one two three"


def test_what_is_not_committed_leaves_nothing(objects):
    objects.put("a/b", b"old")
    for key in ("a/b", "a/c"):
        writer = objects.writer(key)
        writer.write(b"new")
        writer.abort()
        writer.abort()
    assert objects.names("a") == ["b"]
    assert objects.get("a/b", LIMIT) == b"old"


def test_a_file_is_moved_into_the_store(objects, tmp_path):
    for data in (b"", b"x" * (PIECE_BYTES + 1)):
        path = tmp_path / "file"
        path.write_bytes(data)
        objects.put_file("a/b", path)
        assert objects.get("a/b", len(data)) == data
        assert not path.exists()
    with pytest.raises(FileNotFoundError):
        objects.put_file("a/c", tmp_path / "none")
    assert objects.names("a") == ["b"]


def test_an_object_is_read_as_a_local_file(objects):
    objects.put("a/b", b"data")
    assert objects.local_file("a/b").read_bytes() == b"data"
    assert objects.local_file("a/b").read_bytes() == b"data"


def test_an_array_is_mapped_and_cannot_be_written(objects, tmp_path):
    np.save(tmp_path / "array.npy", np.arange(6).reshape(2, 3))
    objects.put_file("a", tmp_path / "array.npy")
    array = objects.map_array("a")
    np.testing.assert_array_equal(array, [[0, 1, 2], [3, 4, 5]])
    assert isinstance(array, np.memmap)
    assert not array.flags.writeable
    objects.delete("a")
    assert array[1, 2] == 5
    np.save(tmp_path / "array.npy", np.array([{}]), allow_pickle=True)
    objects.put_file("objects", tmp_path / "array.npy")
    objects.put("text", b"no array, " * 10)
    for key in ("objects", "text"):
        with pytest.raises(ValueError):  # noqa: PT011 - NumPy has several messages
            objects.map_array(key)


def test_a_moved_object_has_only_the_new_key(objects):
    objects.put("a/b", b"new")
    objects.put("c", b"old")
    objects.move("a/b", "c")
    objects.move("c", "d/e/f")
    assert objects.get("d/e/f", LIMIT) == b"new"
    assert objects.names("a") == []
    assert objects.versions(["c"]) == [None]


def test_deleting_removes_an_object_or_all_below_a_prefix(objects):
    for key in ("a/b", "a/c/d", "aa", "e/f"):
        objects.put(key, b"")
    objects.delete("e/f")
    objects.delete("a/e")  # not an object
    assert sorted(objects.names("a")) == ["b", "c"]
    objects.delete_all("a")
    assert "a" not in objects.names()
    assert objects.names("e") == []
    assert objects.size("aa") == 0


def test_every_change_gives_another_version(objects):
    seen = []

    def look():
        versions = objects.versions(["", "a", "a/b", "a/c"])
        seen.append(versions)
        return versions

    assert look()[1:] == [None, None, None]
    seen.clear()
    objects.put("a/b", b"one")
    first = look()
    assert None not in first[:3]
    objects.put("a/b", b"two")
    assert look()[2] != first[2]
    objects.put("a/c", b"")
    second = look()
    assert second[1] != first[1]
    assert second[3] is not None
    objects.delete("a/b")
    assert look()[2] is None
    objects.delete_all("a")
    assert look()[1] is None
    assert len({tuple(versions) for versions in seen}) == len(seen)


def test_updates_happen_one_after_another(objects):
    def add_one(content):
        return str(int(content or b"0") + 1).encode()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: objects.update("a/card.json", add_one, LIMIT), range(40)))
    assert objects.get("a/card.json", LIMIT) == b"40"
    assert objects.names("a") == ["card.json"]
    assert [entry[:2] for entry in objects.entries("a")] == [("a/card.json", 2)]


def test_an_update_that_changes_nothing_or_fails_stores_nothing(objects):
    objects.update("aliases.json", lambda content: content, LIMIT)
    assert objects.versions(["aliases.json"]) == [None]
    objects.put("aliases.json", b"old")
    before = objects.versions(["aliases.json"])
    objects.update("aliases.json", lambda content: content, LIMIT)
    with pytest.raises(ZeroDivisionError):
        objects.update("aliases.json", lambda content: b"new" * (1 // 0), LIMIT)
    assert objects.versions(["aliases.json"]) == before
    with pytest.raises(DamagedModelError):
        objects.update("aliases.json", lambda content: b"new", 2)


@pytest.mark.parametrize("key", ["", ".", "..", "../a", "a/../../b", "/a", "a//b", "a/", "a/.."])
def test_a_key_cannot_leave_the_store(objects, key):
    objects.put("a/b", b"")
    for act in (
        lambda: objects.get(key, LIMIT),
        *(partial(read, key) for read in readers(objects)),
        lambda: objects.put(key, b""),
        lambda: objects.writer(key),
        lambda: objects.move("a/b", key),
        lambda: objects.move(key, "a/b"),
        lambda: objects.delete(key),
        lambda: objects.delete_all(key),
        lambda: objects.update(key, lambda content: b"", LIMIT),
    ):
        with pytest.raises(ValueError, match="cannot be the key"):
            act()
    assert objects.names("a") == ["b"]


def test_a_folder_is_opened_as_a_folder_store(objects, folder):
    assert object_store(objects) is objects
    objects.put("a", b"data")
    assert object_store(folder).get("a", LIMIT) == b"data"


def test_an_open_object_is_read_to_its_end_as_it_was(objects):
    objects.put("a", b"old")
    with objects.open("a") as file:
        objects.put("a", b"new")
        assert file.read() == b"old"
    assert objects.names() == ["a"]


def test_readers_see_whole_objects_while_they_are_replaced(objects):
    contents = {bytes([letter]) * 10_000 for letter in b"ab"}
    objects.put("a", min(contents))
    over = threading.Event()

    def write():
        for _ in range(20):
            for content in contents:
                objects.put("a", content)
        over.set()

    with ThreadPoolExecutor(1) as pool:
        writing = pool.submit(write)
        while not over.is_set() and not writing.done():
            try:
                assert objects.get("a", 20_000) in contents
            except DamagedModelError as error:
                assert "grew" in str(error)  # noqa: PT017
        writing.result()


# Only for folders.


@pytest.mark.parametrize(
    "put",
    [os.mkfifo, lambda path: path.symlink_to("/dev/zero"), lambda path: path.mkdir()],
    ids=["pipe", "device", "folder"],
)
def test_something_other_than_a_file_is_rejected_without_opening_it(objects, folder, put):
    folder.mkdir()
    put(folder / "a")
    for ask in (lambda key: objects.get(key, LIMIT), *readers(objects)):
        with pytest.raises(DamagedModelError, match="not a regular file"):
            ask("a")
    assert [*objects.entries()] == []


def test_files_that_are_no_objects_are_not_listed(objects, folder):
    objects.put("a", b"")
    objects.update("e/card.json", lambda content: b"", LIMIT)
    objects.put(".b", b"")
    (folder / ".scratch" / "attempt").mkdir(parents=True)
    (folder / ".scratch" / "attempt" / "part").touch()
    writer = objects.writer("c/d")
    [temporary] = (folder / "c").iterdir()
    assert re.fullmatch(r"\.d\..+\.new", temporary.name)
    assert (folder / ".lock").exists()
    assert sorted(entry.key for entry in objects.entries()) == [".b", "a", "e/card.json"]
    writer.abort()


def test_what_killed_writers_left_is_removed(objects, folder):
    objects.put("a", b"")
    objects.update("b/card.json", lambda content: b"", LIMIT)
    objects.put("b/c", b"data")
    for name in (".a.1234.new", "b/.c.new", "b/d/.e.5678.new", "a"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
        os.utime(folder / name, (1, 1))
    young = objects.writer("b/c")
    objects.remove_unfinished(60)
    left = sorted(path.name for path in folder.rglob("*") if path.is_file())
    assert left == sorted([".lock", "a", "c", "card.json", young._temporary.name])
    young.commit()
    assert objects.get("b/c", LIMIT) == b""


def test_many_threads_put_the_same_object(objects):
    contents = [bytes([letter]) * 50 for letter in b"abcd"]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda content: objects.put("a", content), contents * 10))
    assert objects.get("a", LIMIT) in contents
    assert objects.names() == ["a"]


def test_a_list_does_not_leave_the_folder(objects, folder, tmp_path):
    FolderStore(tmp_path / "other").put("b", b"data")
    folder.mkdir()
    (folder / "loop").symlink_to(folder)
    (folder / "other").symlink_to(tmp_path / "other")
    (folder / "b").symlink_to(tmp_path / "other" / "b")
    (folder / "nowhere").symlink_to(tmp_path / "none")
    assert [(entry.key, entry.size) for entry in objects.entries()] == [("b", 4)]


def test_a_folder_is_not_deleted_as_an_object(objects, folder):
    objects.put("a/b", b"")
    objects.delete("a")
    assert objects.names("a") == ["b"]


def test_the_target_of_a_link_is_read_but_not_removed(objects, folder, tmp_path):
    other = FolderStore(tmp_path / "other")
    folder.mkdir()
    for key in ("a", "b/c"):
        other.put(key, b"kept")
    (folder / "a").symlink_to(tmp_path / "other" / "a")
    (folder / "b").symlink_to(tmp_path / "other" / "b")
    assert objects.get("a", LIMIT) == objects.get("b/c", LIMIT) == b"kept"
    objects.delete("a")
    objects.delete("b/c")
    objects.delete_all("b")
    assert objects.names() == []
    assert other.get("a", LIMIT) == other.get("b/c", LIMIT) == b"kept"
