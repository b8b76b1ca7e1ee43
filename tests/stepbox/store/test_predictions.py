"""Predictions of data sets in every kind of store."""

import hashlib

import pytest

from stepbox.data.builtin import DATASETS
from stepbox.errors import NotFoundError
from stepbox.store.predictions import (
    FOLDER,
    FORMATS,
    PredictionReport,
    PredictionStore,
    ResultFile,
    ResultFiles,
)
from tests.datasets import keep_none
from tests.stepbox.store.test_owner_bytes import used

CONTENT = {"parquet": b"PAR1", "csv": b"index,label\n"}
JOB = "0123456789abcdef"


@pytest.fixture
def store(objects):
    return PredictionStore(objects)


def described(**fields):
    files = {
        name: ResultFile(bytes=len(content), sha256=hashlib.sha256(content).hexdigest())
        for name, content in CONTENT.items()
    }
    return PredictionReport(
        model="m-0123456789ab",
        dataset=DATASETS["mnist"],
        split="test",
        samples=1,
        classes=("0", "1"),
        columns=("index", "label"),
        evaluation=None,
        uncertain=(),
        files=ResultFiles(**files),
        **fields,
    )


@pytest.fixture
def stage(store, tmp_path):
    """Return a function that stages an attempt at a job; it returns the place."""

    def stage(fence=1, job=JOB, owner=None):
        files = {}
        for name, content in CONTENT.items():
            files[name] = tmp_path / "models" / ".scratch" / name  # a folder moves them
            files[name].parent.mkdir(parents=True, exist_ok=True)
            files[name].write_bytes(content)
        return store.stage(job, f"{job}-{fence}", described(), files, owner)

    return stage


def attempts(objects):
    return {entry.key.split("/")[2] for entry in objects.entries(FOLDER)}


def test_files_are_visible_once_they_are_published(store, stage):
    place = stage()
    assert store.is_staged(place)
    assert store.visible() == set()
    for call in (lambda: store.get(JOB), lambda: store.open(JOB, "csv")):
        with pytest.raises(NotFoundError, match=JOB):
            call()
    for _ in range(2):
        store.publish(place)
    assert store.visible() == {JOB}
    assert store.get(JOB).samples == 1
    for name in FORMATS:
        with store.open(JOB, name) as file:
            assert file.read() == CONTENT[name]


def test_discarding_leaves_what_is_visible(store, stage, objects):
    stage(1)
    store.publish(stage(2))
    stage(3)
    store.discard(JOB)
    assert attempts(objects) == {f"{JOB}-2", "prediction.json"}
    assert store.get(JOB).model == described().model
    store.delete(JOB)
    assert [*objects.entries(FOLDER)] == []
    store.delete(JOB)
    store.discard(JOB)


def test_what_was_staged_only_is_discarded_with_all_that_belongs_to_it(store, stage, objects):
    stage(owner="alice")
    store.discard(JOB)
    assert [*objects.entries(FOLDER)] == []


def test_nothing_is_published_whose_files_are_gone(store, stage):
    place = stage()
    store.discard(JOB)
    assert not store.is_staged(place)
    with pytest.raises(NotFoundError):
        store.publish(place)


def test_a_description_without_its_files_is_not_visible(store, stage, objects):
    """A publication that was paused may write it after the deletion."""
    place = stage()
    store.publish(place)
    objects.delete_all(f"{FOLDER}/{place}")
    assert store.visible() == set()
    with pytest.raises(NotFoundError):
        store.get(JOB)
    store.sweep(keep_none, -60)
    assert [*objects.entries(FOLDER)] == []


def test_sweeping_removes_what_lost_attempts_have_left(store, stage, objects):
    lost, running, done = (character * 16 for character in "abc")
    stage(job=lost)
    stage(job=running)
    store.publish(stage(1, done))
    stage(2, done)
    store.sweep(keep_none, 3600)
    assert {*store.jobs()} == {lost, running, done}
    store.sweep(lambda job: job == running, -60)
    assert {*store.jobs()} == {running, done}
    assert attempts(objects) == {f"{running}-1", f"{done}-1", "prediction.json"}


def test_a_prediction_counts_for_its_owner(store, stage, objects):
    stage(job="a" * 16)
    place = stage(owner="alice")
    assert used(objects, "bob") == 0
    size = sum(entry.size for entry in objects.entries(f"{FOLDER}/{JOB}"))
    assert used(objects, "alice") == size > sum(map(len, CONTENT.values()))
    store.publish(place)
    assert used(objects, "alice") > size
    store.delete(JOB)
    assert used(objects, "alice") == 0


def test_damage_is_found(store, stage, objects):
    place = stage()
    store.publish(place)
    assert [*store.damaged()] == []
    objects.put(f"{FOLDER}/{place}/result.csv", b"index,LABEL\n")
    assert [*store.damaged()] == [f"prediction {JOB}: its csv file differs from its checksum"]
    objects.put(f"{FOLDER}/{JOB}/prediction.json", b"{")
    store.discard(JOB)
    assert store.is_staged(place)
    (damage,) = store.damaged()
    assert damage.startswith(f"prediction {JOB}: ")
