"""The store of data sets: publishing, references, damage and deletion."""

import json
import os
import signal
import subprocess
import sys
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

from stepbox.data import dataset
from stepbox.data.builtin import DATASETS, load_dataset
from stepbox.data.dataset import DatasetSpec, SplitSpec, split_sha256
from stepbox.errors import DatasetError, NotFoundError
from stepbox.store import datasets
from stepbox.store.datasets import ARRAYS, DatasetStore
from stepbox.store.folder import FolderStore
from tests.datasets import MADE, add_dataset, make_dataset, stage
from tests.processes import ROOT
from tests.stepbox.store.dataset_storm import CONTENTS

MIB = 2**20
MOST_WRITES = 20


class EndedError(BaseException):
    """Simulates the end of the process."""


class Ending(FolderStore):
    """A folder store that raises EndedError after `writes` writes."""

    writes = MOST_WRITES

    def _count(self):
        if self.writes == 0:
            raise EndedError
        self.writes -= 1

    def put(self, key, data):
        self._count()
        super().put(key, data)

    def put_file(self, key, path):
        self._count()
        super().put_file(key, path)

    def move(self, source, target):
        self._count()
        super().move(source, target)

    def delete(self, key):
        self._count()
        super().delete(key)

    def delete_all(self, prefix):
        self._count()
        super().delete_all(prefix)


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "datasets"


@pytest.fixture
def store(folder, data_folder):
    return DatasetStore(folder, data_folder)


def ending_store(folder, writes):
    """Make a store whose process ends after some writes."""
    store = DatasetStore(folder, folder)
    store._objects = Ending(folder)
    store._objects.writes = writes
    return store


def check_whole(store, spec, arrays):
    """Check that a data set is visible and has all its samples."""
    assert store.spec(spec.id) == spec
    for split in ("train", "test"):
        found = store.load(spec.id, split)
        np.testing.assert_array_equal(found.samples, arrays[f"{split}-samples.npy"])
        np.testing.assert_array_equal(found.labels, arrays[f"{split}-labels.npy"])


def uploaded(store):
    return [spec.id for spec in store.specs()[len(DATASETS) :]]


@pytest.mark.parametrize("shape", [(8, 8), (16, 16, 3), (4,)])
def test_a_data_set_is_visible_once_it_is_published(store, shape):
    spec, arrays = make_dataset("some", shape)
    assert not store.is_staged("attempt")
    stage(store, spec, arrays)
    assert store.is_staged("attempt")
    assert store.attempts() == ["attempt"]
    assert uploaded(store) == []
    with pytest.raises(NotFoundError):
        store.spec(spec.id)
    assert store.publish("attempt") == spec
    check_whole(store, spec, arrays)
    assert uploaded(store) == [spec.id]
    assert store.publish("attempt") == spec  # until it is discarded
    store.discard("attempt")
    assert store.attempts() == []
    with pytest.raises(NotFoundError):
        store.publish("attempt")
    check_whole(store, spec, arrays)


def test_equal_content_is_one_data_set(store):
    first, arrays = make_dataset("first", (8, 8))
    second, _ = make_dataset("second", (8, 8))
    assert first.id == second.id
    for attempt, spec in (("a", first), ("b", second)):
        stage(store, spec, arrays, attempt)
        assert store.publish(attempt) == first
        store.discard(attempt)
    assert uploaded(store) == [first.id]
    assert store.spec("first") == first
    with pytest.raises(NotFoundError):
        store.spec("second")


@pytest.mark.parametrize(
    "change",
    [{"classes": ["a", "b", "c"]}, {"seed": 1}, {"shape": (4, 16)}, {"train": 31}],
    ids=str,
)
def test_other_content_has_another_id(change):
    fields = {"name": "some", "shape": (8, 8)}
    ids = set()
    for given in (fields, fields | change):
        classes = given.pop("classes", None)
        spec, _ = make_dataset(**given)
        if classes:
            spec = spec.model_copy(update={"classes": tuple(classes)})
        ids.add(spec.content_id)
    assert len(ids) == 2


def test_the_id_does_not_depend_on_what_people_chose():
    spec, _ = make_dataset("some", (8, 8))
    other, _ = make_dataset("other", (8, 8), warnings=["few"], created_at=None, title="Other")
    assert spec.id == other.id


def test_a_killed_import_leaves_nothing_visible(folder):
    spec, arrays = make_dataset("some", (8, 8))
    for writes in range(MOST_WRITES):
        store = ending_store(folder, writes)
        try:
            stage(store, spec, arrays)
        except EndedError:
            assert not store.is_staged("attempt")
            assert uploaded(store) == []
        else:
            assert writes == 1 + len(ARRAYS) + 1
            break
    DatasetStore(folder, folder).discard("attempt")
    assert not list(folder.rglob("*.npy"))


def test_a_killed_publication_is_completed(folder):
    spec, arrays = make_dataset("some", (8, 8))
    for writes in range(MOST_WRITES):
        store = DatasetStore(folder, folder)
        stage(store, spec, arrays)
        try:
            ending_store(folder, writes).publish("attempt")
        except EndedError:
            assert uploaded(DatasetStore(folder, folder)) == []
            store.sweep()  # keeps what the publication still needs
        else:
            break
        assert store.is_staged("attempt")
        store.publish("attempt")
        check_whole(store, spec, arrays)
        store.delete(spec.id)
    assert writes == len(ARRAYS) + 1
    check_whole(store, spec, arrays)


def test_a_killed_deletion_leaves_nothing_visible(folder):
    spec, arrays = make_dataset("some", (8, 8))
    for writes in range(MOST_WRITES):
        store = DatasetStore(folder, folder)
        add_dataset(store, "some", (8, 8))
        try:
            ending_store(folder, writes).delete(spec.id)
        except EndedError:
            if writes == 0:
                check_whole(store, spec, arrays)
                continue
        assert uploaded(store) == []
        store.sweep()
        assert not list(folder.rglob("*.npy"))
        if writes > 1:
            break
    add_dataset(store, "some", (8, 8))
    check_whole(store, spec, arrays)


def test_what_was_deleted_before_a_retry_is_not_half_published(store):
    spec, arrays = make_dataset("some", (8, 8))
    stage(store, spec, arrays)
    store.publish("attempt")  # and the process dies before it says so
    store.delete(spec.id)
    with pytest.raises(NotFoundError, match="have been deleted"):
        store.publish("attempt")
    assert uploaded(store) == []


def test_a_name_means_the_newest_data_set_of_this_name(store):
    first, _ = add_dataset(store, "same", (8, 8), seed=1, created_at=MADE)
    later, _ = add_dataset(store, "same", (8, 8), seed=2, created_at=MADE + timedelta(days=1))
    other, _ = add_dataset(store, "other", (8, 8), seed=3, created_at=MADE + timedelta(hours=1))
    assert uploaded(store) == [later.id, other.id, first.id]
    assert store.spec("same").id == later.id
    assert store.spec(first.id).id == first.id
    store.delete(later.id)
    assert store.spec("same").id == first.id


def test_built_in_data_sets_come_first_and_have_ids(store):
    assert store.specs() == list(DATASETS.values())
    for spec in DATASETS.values():
        assert store.spec(spec.id) is store.spec(spec.name) is spec
    assert len(store.load(DATASETS["mnist"].id, "test").labels) == 10_000


@pytest.mark.parametrize("name", list(DATASETS))
def test_the_descriptions_of_built_in_data_sets_fit_their_files(name, data_folder):
    spec = DATASETS[name]
    for split in ("train", "test"):
        found = load_dataset(name, split, data_folder)
        counts = np.bincount(found.labels, minlength=len(spec.classes))
        sha256 = split_sha256(found.samples, found.labels)
        assert spec.split(split) == SplitSpec(
            samples=len(found.labels), per_class=counts.tolist(), sha256=sha256
        )
    assert spec.id == spec.content_id


@pytest.mark.parametrize("reference", ["none", "d-000000000000", "", "..", "../models", "a" * 999])
def test_an_unknown_reference_is_not_found(store, reference):
    add_dataset(store, "some", (8, 8))
    with pytest.raises(NotFoundError) as error:
        store.spec(reference)
    assert len(str(error.value)) < 300
    with pytest.raises(NotFoundError):
        store.load(reference, "train")


@pytest.mark.parametrize("id", ["mnist", DATASETS["mnist"].id, "some", "..", ".staged"])
def test_only_an_uploaded_data_set_can_be_deleted(store, id):
    spec, _ = add_dataset(store, "some", (8, 8))
    with pytest.raises((NotFoundError, ValueError)):
        store.delete(id)
    assert uploaded(store) == [spec.id]


def flip(path):
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    replace(path, bytes(content))


def replace(path, content):
    """Replace a file as `FolderStore` does, so that its version changes."""
    new = path.with_name("new")
    new.write_bytes(content)
    new.replace(path)


def pickled(path):
    np.save(path, np.array([{"a": 1}], object), allow_pickle=True)


DAMAGES = {
    "a flipped bit": flip,
    "an empty file": lambda path: replace(path, b""),
    "a truncated file": lambda path: replace(path, path.read_bytes()[:-5]),
    "another type": lambda path: np.save(path, np.load(path).astype(np.int64)),
    "another shape": lambda path: np.save(path, np.load(path)[:-1]),
    "objects": pickled,
    "no file": lambda path: path.unlink(),
    "a pipe": lambda path: (path.unlink(), os.mkfifo(path)),
    "not an array": lambda path: replace(path, b"x" * 1000),
}


@pytest.mark.parametrize("file", ["train-samples.npy", "train-labels.npy"])
@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_array_is_noticed(store, folder, file, damage):
    spec, _ = add_dataset(store, "some", (8, 8))
    store.load(spec.id, "train")
    DAMAGES[damage](folder / spec.id / file)
    with pytest.raises(DatasetError, match=spec.id):
        store.load(spec.id, "train")
    assert len(store.load(spec.id, "test").labels) == 12


@pytest.mark.parametrize(
    "content",
    [b"", b"{}", b"[" * 100_000, b"\xff", b'{"name": 1}', b" " * (2**21 + 1)],
    ids=["empty", "object", "nested", "binary", "field", "large"],
)
def test_a_damaged_description_hides_only_its_data_set(store, folder, content):
    spec, _ = add_dataset(store, "some", (8, 8))
    other, _ = add_dataset(store, "other", (8, 8), seed=1)
    replace(folder / spec.id / "dataset.json", content)
    assert uploaded(store) == [other.id]
    with pytest.raises(DatasetError, match="damaged"):
        store.spec(spec.id)
    # The same content can be imported again.
    again, arrays = make_dataset("some", (8, 8))
    stage(store, again, arrays)
    store.publish("attempt")
    check_whole(store, again, arrays)


def test_the_files_are_hashed_once(store, monkeypatch):
    hashed = []

    def counted(samples, labels):
        hashed.append(len(labels))
        return split_sha256(samples, labels)

    spec, _ = add_dataset(store, "some", (8, 8))
    for path in (store._folder / spec.id).iterdir():
        os.utime(path, (1, 1))
    monkeypatch.setattr(datasets, "split_sha256", counted)
    monkeypatch.setattr("stepbox.store.cache.SETTLING_NS", 0)
    for _ in range(3):
        store.load(spec.id, "train")
    assert hashed == [30]
    flip(store._folder / spec.id / "train-labels.npy")
    with pytest.raises(DatasetError):
        store.load(spec.id, "train")
    assert hashed == [30, 30]


def test_a_description_can_have_the_most_classes_and_columns(store):
    spec, arrays = make_dataset(
        "wide",
        (12_288,),
        classes=1000,
        train=1000,
        test=1000,
        columns=[f"{'column' * 10} {n}" for n in range(12_288)],
    )
    stage(store, spec, arrays)
    assert store.publish("attempt") == spec
    assert len(store.spec("wide").columns) == 12_288


def test_unknown_fields_of_a_later_version_are_ignored(store, folder):
    spec, _ = add_dataset(store, "some", (8, 8))
    path = folder / spec.id / "dataset.json"
    replace(path, json.dumps(json.loads(path.read_text()) | {"later": 1}).encode())
    assert store.spec(spec.id) == spec
    assert isinstance(store.spec(spec.id), DatasetSpec)


def resident_of_files():
    """Return the memory of this process that maps files, in bytes."""
    status = Path("/proc/self/status").read_text("ascii")
    [line] = [line for line in status.splitlines() if line.startswith("RssFile")]
    return int(line.split()[1]) * 1024


@pytest.mark.parametrize(("released", "grows"), [(dataset.RELEASED_BYTES, False), (2**40, True)])
def test_large_maps_take_no_memory(store, monkeypatch, released, grows):
    monkeypatch.setattr(dataset, "RELEASED_BYTES", released)
    spec, _ = add_dataset(store, "large", (64, 64, 3), train=7000, test=3, classes=3)
    before = resident_of_files()
    train_set = store.load(spec.id, "train")
    for start in range(0, 7000, 100):
        train_set.take(slice(start, start + 100))
    grown = resident_of_files() - before
    assert (grown > 60 * MIB) == grows
    assert (grown < 16 * MIB) != grows


def test_many_processes_publish_and_delete_the_same_data_sets(store, folder):
    storms = [
        subprocess.Popen(
            [sys.executable, "-m", "tests.stepbox.store.dataset_storm", *map(str, arguments)],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
        )
        # The first two end by themselves, the others are killed after some writes.
        for arguments in [(folder, n, 60, -1 if n < 2 else 20 + 7 * n) for n in range(6)]
    ]
    ended = [(storm.communicate()[0], storm.returncode) for storm in storms]
    assert [code for _, code in ended] == [0, 0, *[-signal.SIGKILL] * 4]
    for output, _ in ended[:2]:
        assert json.loads(output)["publish"] > 0
    for attempt in store.attempts():  # of the killed ones; the others discarded theirs
        if store.is_staged(attempt):
            with suppress(NotFoundError):  # it was published, and deleted by another process
                store.publish(attempt)
        store.discard(attempt)
    store.sweep()
    visible = uploaded(store)
    for spec, arrays in CONTENTS:
        if spec.id in visible:
            check_whole(store, spec, arrays)
    left = {path.parent.name for path in folder.rglob("*.npy")}
    assert left == set(visible)
