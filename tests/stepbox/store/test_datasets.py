"""The store of data sets: publishing, references, damage and deletion."""

import io
import json
import os
import signal
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

from stepbox.data import dataset
from stepbox.data.builtin import DATASETS, load_dataset
from stepbox.data.dataset import DatasetSpec, SplitSpec, split_sha256
from stepbox.errors import DatasetError, NotFoundError
from stepbox.store import dataset_reader
from stepbox.store.datasets import ARRAYS, DatasetStore, attempt_of
from stepbox.store.objects import ObjectStore
from tests.datasets import MADE, add_dataset, keep_none, make_dataset, stage
from tests.processes import ROOT
from tests.stepbox.store.dataset_storm import ACTIONS, CONTENTS, Jobs

MIB = 2**20
MOST_WRITES = 20


class EndedError(BaseException):
    """Simulates the end of the process."""


class Ending(ObjectStore):
    """A view of another store that raises EndedError after `writes` writes."""

    def __init__(self, objects, writes=MOST_WRITES):
        self._objects = objects
        self.writes = writes

    def _write(self, name, *arguments):
        if self.writes == 0:
            raise EndedError
        self.writes -= 1
        return getattr(self._objects, name)(*arguments)

    def put(self, key, data):
        self._write("put", key, data)

    def put_file(self, key, path):
        self._write("put_file", key, path)

    def delete(self, key):
        self._write("delete", key)

    def delete_all(self, prefix):
        self._write("delete_all", prefix)

    def writer(self, key):
        return self._write("writer", key)

    def update(self, key, change, limit):
        self._write("update", key, change, limit)

    def get(self, key, limit):
        return self._objects.get(key, limit)

    def size(self, key):
        return self._objects.size(key)

    def versions(self, keys):
        return self._objects.versions(keys)

    def names(self, prefix=""):
        return self._objects.names(prefix)

    def entries(self, prefix=""):
        return self._objects.entries(prefix)

    def local_file(self, key):
        return self._objects.local_file(key)


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "datasets"


@pytest.fixture
def store(objects, data_folder):
    return DatasetStore(objects, data_folder)


def open_store(objects, writes=-1):
    """Open the data sets of another process, which ends after some writes."""
    return DatasetStore(objects if writes < 0 else Ending(objects, writes), Path("none"))


def keys(objects):
    return sorted(entry.key for entry in objects.entries())


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
def test_a_data_set_is_visible_once_it_is_published(store, objects, shape):
    spec, arrays = make_dataset("some", shape)
    assert not store.is_staged(f"{spec.id}/attempt")
    place = stage(store, spec, arrays)
    assert place == f"{spec.id}/attempt"
    assert store.is_staged(place)
    assert uploaded(store) == []
    with pytest.raises(NotFoundError):
        store.spec(spec.id)
    assert store.publish(place) == spec
    check_whole(store, spec, arrays)
    assert uploaded(store) == [spec.id]
    written = keys(objects)
    assert written == sorted(
        [f"{spec.id}/dataset.json", *(f"{place}/{name}" for name in ("dataset.json", *ARRAYS))]
    )
    assert store.publish(place) == spec  # after a kill
    store.discard(place)  # not what is visible
    assert keys(objects) == written
    check_whole(store, spec, arrays)


def test_equal_content_is_one_data_set(store, objects):
    first, arrays = make_dataset("first", (8, 8))
    second, _ = make_dataset("second", (8, 8))
    assert first.id == second.id
    places = [
        stage(store, spec, arrays, attempt) for attempt, spec in (("a", first), ("b", second))
    ]
    for place in places:
        assert store.publish(place) == first
    assert uploaded(store) == [first.id]
    assert store.spec("first") == first
    with pytest.raises(NotFoundError):
        store.spec("second")
    assert [store.is_staged(place) for place in places] == [True, False]
    assert list(store.places()) == places[:1]
    assert store.publish(places[1]) == first  # after a kill


def test_an_attempt_that_is_not_published_is_discarded(store, objects):
    spec, arrays = make_dataset("some", (8, 8))
    first, second = (stage(store, spec, arrays, attempt) for attempt in "ab")
    store.discard(first)
    store.publish(second)
    store.discard(stage(store, *make_dataset("other", (8, 8), seed=1)))
    assert list(store.places()) == [second]
    check_whole(store, spec, arrays)


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


def test_a_killed_import_leaves_nothing_visible(store, objects):
    spec, arrays = make_dataset("some", (8, 8))
    for writes in range(MOST_WRITES):
        try:
            place = stage(open_store(objects, writes), spec, arrays, f"attempt-{writes}")
        except EndedError:
            assert not store.is_staged(f"{spec.id}/attempt-{writes}")
            assert uploaded(store) == []
        else:
            break
    assert writes == len(ARRAYS) + 1
    for left in store.places():
        if left != place:
            store.discard(left)
    store.publish(place)
    check_whole(store, spec, arrays)
    assert list(store.places()) == [place]


def test_a_killed_publication_is_completed(store, objects):
    spec, arrays = make_dataset("some", (8, 8))
    place = stage(store, spec, arrays)
    with pytest.raises(EndedError):
        open_store(objects, 0).publish(place)
    assert uploaded(store) == []
    open_store(objects, 1).publish(place)
    check_whole(store, spec, arrays)
    again = stage(store, spec, arrays, "again")
    for writes in range(2):  # what is not needed is removed
        with pytest.raises(EndedError):
            open_store(objects, writes).publish(again)
        check_whole(store, spec, arrays)
    assert open_store(objects, 2).publish(again) == spec
    assert list(store.places()) == [place]


def test_a_killed_deletion_leaves_nothing_visible(store, objects):
    spec, arrays = make_dataset("some", (8, 8))
    for writes in range(MOST_WRITES):
        add_dataset(store, "some", (8, 8))
        try:
            open_store(objects, writes).delete(spec.id)
        except EndedError:
            if writes == 0:
                check_whole(store, spec, arrays)
                continue
        else:
            break
        assert uploaded(store) == []
        store.sweep(keep_none, age=-1)
        assert keys(objects) == []
    assert writes == 3
    assert keys(objects) == []
    add_dataset(store, "some", (8, 8))
    check_whole(store, spec, arrays)


def test_a_deleted_data_set_can_be_published_only_from_other_files(store, objects):
    spec, arrays = make_dataset("some", (8, 8))
    first = stage(store, spec, arrays)
    store.publish(first)  # and the process dies before it says so
    other = stage(store, spec, arrays, "other")
    store.delete(spec.id)
    with pytest.raises(NotFoundError):
        store.publish(first)
    assert uploaded(store) == []
    with pytest.raises(NotFoundError):
        store.delete(spec.id)
    store.publish(other)  # a deletion removes no file of another attempt
    check_whole(store, spec, arrays)


class Paused(Ending):
    """A view of a store whose process is paused before a write; `meanwhile` happens then."""

    def __init__(self, objects, write, meanwhile):
        super().__init__(objects)
        self._paused, self._meanwhile = write, meanwhile

    def _write(self, name, *arguments):
        if name == self._paused:
            self._paused = None
            self._meanwhile()
        return super()._write(name, *arguments)


def test_a_publication_that_was_paused_hides_no_other(store, objects):
    spec, arrays = make_dataset("some", (8, 8))
    late, other = (stage(store, spec, arrays, attempt) for attempt in ("late", "other"))

    def meanwhile():
        store.publish(late)  # by the next attempt at the job
        store.delete(spec.id)
        store.publish(other)

    DatasetStore(Paused(objects, "put", meanwhile), Path("none")).publish(late)
    for reader in (store, open_store(objects)):
        check_whole(reader, spec, arrays)
    store.sweep(keep_none, age=-1)
    check_whole(store, spec, arrays)
    again = stage(store, spec, arrays, "again")
    store.delete(spec.id)  # what is visible now are the files of the other attempts
    assert uploaded(store) == []
    store.publish(again)
    store.sweep(keep_none, age=-1)
    check_whole(store, spec, arrays)
    assert list(store.places()) == [again]
    store.delete(spec.id)
    assert uploaded(store) == []
    assert keys(objects) == []


def test_a_publication_that_was_paused_brings_nothing_back(store, objects):
    spec, arrays = make_dataset("some", (8, 8))
    place = stage(store, spec, arrays)

    def meanwhile():
        store.publish(place)
        store.delete(spec.id)

    DatasetStore(Paused(objects, "put", meanwhile), Path("none")).publish(place)
    for reader in (store, open_store(objects)):
        assert uploaded(reader) == []
        with pytest.raises(NotFoundError):
            reader.load(spec.id, "train")
    add_dataset(store, "some", (8, 8))
    check_whole(store, spec, arrays)


@pytest.mark.parametrize("write", ["delete", "delete_all"])
def test_a_deletion_that_was_paused_removes_no_later_files(store, objects, write):
    spec, arrays = make_dataset("some", (8, 8))
    add_dataset(store, "some", (8, 8))

    def meanwhile():
        if write == "delete":
            store.delete(spec.id)
        store.publish(stage(store, spec, arrays))

    DatasetStore(Paused(objects, write, meanwhile), Path("none")).delete(spec.id)
    if write == "delete":  # the data set is deleted once more
        assert uploaded(store) == []
        store.publish(f"{spec.id}/attempt")
    check_whole(store, spec, arrays)


@pytest.mark.parametrize("write", ["delete", "delete_all"])
def test_a_sweep_that_was_paused_removes_no_later_files(store, objects, write):
    spec, arrays = make_dataset("some", (8, 8))
    for attempt in "ab":
        stage(store, spec, arrays, attempt)

    def meanwhile():
        store.publish(stage(store, spec, arrays, "new"))

    swept = DatasetStore(Paused(objects, write, meanwhile), Path("none"))
    swept.sweep(keep_none, age=-1)
    check_whole(store, spec, arrays)
    assert list(store.places()) == [f"{spec.id}/new"]


def test_only_old_files_that_nothing_needs_are_swept(store, objects):
    specs = [make_dataset("some", (8, 8), seed=seed) for seed in range(3)]
    visible = store.publish(stage(store, *specs[0], "job1-1"))
    lost = stage(store, *specs[0], "job2-1")
    staged = stage(store, *specs[1], "job3-1")
    unfinished = stage(store, *specs[2], "job4-2")
    objects.put(".uploads/job5", b"upload")
    objects.put(".staged/job6-1/train-labels.npy", b"of an earlier version")
    asked = []

    def keep(attempt):
        asked.append(attempt)
        return attempt == "job4-2"

    before = keys(objects)
    store.sweep(keep, age=3600)
    assert keys(objects) == before
    assert asked == []
    store.sweep(keep, age=-1)
    assert sorted(asked) == ["job1-1", "job2-1", "job3-1", "job4-2", "job6-1"]
    gone = [lost, staged, ".staged/job6-1"]
    assert keys(objects) == [key for key in before if key.rpartition("/")[0] not in gone]
    check_whole(store, *specs[0])
    assert store.spec(visible.id) == visible
    store.publish(unfinished)
    check_whole(store, *specs[2])


def test_a_job_that_ends_while_the_store_is_swept_keeps_its_data_set(store, objects):
    spec, arrays = make_dataset("some", (8, 8))
    place = stage(store, spec, arrays)

    def publish_and_end(attempt):
        store.publish(place)
        return False

    store.sweep(publish_and_end, age=-1)
    check_whole(store, spec, arrays)


def lay_out_as_before(objects, spec, arrays):
    """Store a data set as earlier versions did."""
    for name, array in arrays.items():
        objects.put(f"{spec.id}/{name}", npy(array))
    objects.put(f"{spec.id}/dataset.json", spec.model_dump_json().encode())


def npy(array):
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


def test_a_data_set_of_an_earlier_version_is_read_and_deleted(store, objects):
    spec, arrays = make_dataset("some", (8, 8))
    lay_out_as_before(objects, spec, arrays)
    check_whole(store, spec, arrays)
    assert uploaded(store) == [spec.id]
    before = keys(objects)
    assert store.publish(stage(store, spec, arrays)) == spec
    store.sweep(keep_none, age=-1)
    assert keys(objects) == before
    check_whole(store, spec, arrays)
    other = stage(store, spec, arrays, "other")
    store.delete(spec.id)
    assert uploaded(store) == []
    assert list(store.places()) == [other]
    store.publish(other)
    check_whole(store, spec, arrays)


def test_what_a_killed_deletion_of_an_earlier_version_left_is_swept(store, objects):
    spec, arrays = make_dataset("some", (8, 8))
    lay_out_as_before(objects, spec, arrays)
    objects.delete(f"{spec.id}/dataset.json")
    place = stage(store, spec, arrays)
    store.sweep({"attempt"}.__contains__, age=-1)
    assert list(store.places()) == [place]
    store.publish(place)
    objects.put(f"{spec.id}/test-labels.npy", b"")
    store.sweep(keep_none, age=-1)
    assert list(store.places()) == [place]
    check_whole(store, spec, arrays)


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


def files_of(folder, spec):
    """Return the folder of a data set's only attempt."""
    [found] = [path for path in (folder / spec.id).iterdir() if path.is_dir()]
    return found


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


# A description whose arrays would be outside of the store.
PATH = json.dumps({**json.loads(make_dataset("a", (2,))[0].model_dump_json()), "files": "../.."})
PATH = PATH.encode()

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
def test_a_damaged_array_is_noticed(store, objects, folder, file, damage):
    spec, _ = add_dataset(store, "some", (8, 8))
    store.load(spec.id, "train")
    DAMAGES[damage](files_of(folder, spec) / file)
    with pytest.raises(DatasetError, match=spec.id):
        store.load(spec.id, "train")
    assert len(store.load(spec.id, "test").labels) == 12


@pytest.mark.parametrize(
    "content",
    [b"", b"{}", b"[" * 100_000, b"\xff", b'{"name": 1}', b" " * (2**21 + 1), PATH],
    ids=["empty", "object", "nested", "binary", "field", "large", "path"],
)
def test_a_damaged_description_hides_only_its_data_set(store, objects, folder, content):
    spec, _ = add_dataset(store, "some", (8, 8))
    other, _ = add_dataset(store, "other", (8, 8), seed=1)
    replace(folder / spec.id / "dataset.json", content)
    assert uploaded(store) == [other.id]
    with pytest.raises(DatasetError, match="damaged"):
        store.spec(spec.id)
    store.sweep(keep_none, age=-1)
    assert files_of(folder, spec).is_dir()  # it may be what the description names
    # The same content can be imported again.
    again, arrays = make_dataset("some", (8, 8))
    store.publish(stage(store, again, arrays))
    check_whole(store, again, arrays)


def test_the_files_are_hashed_once(store, objects, folder, monkeypatch):
    hashed = []

    def counted(samples, labels):
        hashed.append(len(labels))
        return split_sha256(samples, labels)

    spec, _ = add_dataset(store, "some", (8, 8))
    for path in files_of(folder, spec).iterdir():
        os.utime(path, (1, 1))
    monkeypatch.setattr(dataset_reader, "split_sha256", counted)
    monkeypatch.setattr("stepbox.store.cache.SETTLING_NS", 0)
    for _ in range(3):
        store.load(spec.id, "train")
    assert hashed == [30]
    flip(files_of(folder, spec) / "train-labels.npy")
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
    assert store.publish(stage(store, spec, arrays)) == spec
    assert len(store.spec("wide").columns) == 12_288


def test_unknown_fields_of_a_later_version_are_ignored(store, objects):
    spec, _ = add_dataset(store, "some", (8, 8))
    key = f"{spec.id}/dataset.json"
    objects.put(key, json.dumps(json.loads(objects.get(key, 10_000)) | {"later": 1}).encode())
    assert store.spec(spec.id) == spec
    assert isinstance(store.spec(spec.id), DatasetSpec)


def resident_of_files():
    """Return the memory of this process that maps files, also those in a tmpfs, in bytes."""
    status = Path("/proc/self/status").read_text("ascii")
    lines = [line for line in status.splitlines() if line.startswith(("RssFile", "RssShmem"))]
    return sum(int(line.split()[1]) for line in lines) * 1024


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


DELETING = " ".join(ACTIONS)
LASTING = "publish load late"


@pytest.mark.parametrize("actions", [DELETING, LASTING])
def test_many_processes_change_the_same_data_sets(store, objects, folder, actions):
    sweeping = f"{actions} sweep"  # in the first process only
    arguments = [
        (folder, n, 60, -1 if n < 2 else 20 + 7 * n, *(actions if n else sweeping).split())
        for n in range(6)  # the first two end by themselves, the others are killed
    ]
    storms = [
        subprocess.Popen(
            [sys.executable, "-m", "tests.stepbox.store.dataset_storm", *map(str, each)],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
        )
        for each in arguments
    ]
    ended = [(storm.communicate()[0], storm.returncode) for storm in storms]
    assert [code for _, code in ended] == [0, 0, *[-signal.SIGKILL] * 4]
    for output, _ in ended[:2]:
        assert json.loads(output)["publish"] > 0
    jobs = Jobs(folder)
    for place in store.places():
        if jobs.is_unfinished(attempt_of(place)) and store.is_staged(place):
            store.publish(place)  # as the next attempts at these jobs do
    visible = uploaded(store)
    assert actions == DELETING or len(visible) == len(CONTENTS)
    for spec, arrays in CONTENTS:
        if spec.id in visible:
            check_whole(store, spec, arrays)
        store.publish(stage(store, spec, arrays, "last"))
        check_whole(store, spec, arrays)
    store.sweep(keep_none, age=-1)
    for spec, arrays in CONTENTS:
        check_whole(store, spec, arrays)
    assert len(store.places()) == len(CONTENTS)
