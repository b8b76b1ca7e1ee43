"""What a worker checks, and removes, before it predicts a data set."""

from types import SimpleNamespace

import pytest

from jobs.record import PredictionTask
from jobs.settings import Settings
from stepbox.errors import InvalidInputError, StorageFullError
from stepbox.predicting import size
from tests.jobs.test_routing import beat
from tests.service.conftest import publish
from worker.predicting import predict_and_publish
from worker.reporter import Reporter
from worker.stores import Stores


@pytest.fixture
def settings(jobs, own_stack):
    return own_stack.settings()


@pytest.fixture
def claim(jobs, settings):
    """The claim of a prediction of the 10,000 test samples of MNIST, with ten classes."""
    model, _ = publish(SimpleNamespace(settings=settings))
    task = PredictionTask(model=model, dataset="mnist", split="test")
    jobs.submit_prediction(task, samples=10_000, queue_limit=9)
    beat(jobs, "w")
    return jobs.claim({"pid": 1}, "w")


def predict(settings, jobs, claim):
    with Reporter(jobs, claim) as reporter:
        predict_and_publish(Stores.of(settings), claim, reporter)


def test_a_prediction_without_room_computes_nothing(jobs, settings, claim):
    full = Settings(**{**dict(settings), "data_quota": 599_999})
    with pytest.raises(StorageFullError, match="would take 600,000 bytes"):
        predict(full, jobs, claim)
    stores = Stores.of(settings)
    assert stores.checkpoints.jobs() == stores.predictions.jobs() == []


def test_a_prediction_that_is_too_large_computes_nothing(jobs, settings, claim, monkeypatch):
    monkeypatch.setattr(size, "MOST_PROBABILITIES", 99_999)
    with pytest.raises(InvalidInputError, match=r"/dataset: must have at most 9,999 samples"):
        predict(settings, jobs, claim)
    assert Stores.of(settings).checkpoints.jobs() == []


def test_an_attempt_removes_only_what_earlier_ones_have_left(settings):
    stores, job = Stores.of(settings), "0123456789abcdef"
    places = (".predictions/{job}/{attempt}", "d-0123456789ab/{attempt}")
    attempts = [f"{job}-{fence}" for fence in (2, 9, 10, 11)] + ["another-2"]
    for attempt in attempts:
        (stores.scratch / attempt).mkdir(parents=True)
        for place in places:
            folder = settings.datasets_dir / place.format(
                job=attempt.rpartition("-")[0], attempt=attempt
            )
            folder.mkdir(parents=True)
            (folder / "prediction.json").write_bytes(b"")
            (folder / "test-labels.npy").write_bytes(b"")
    stores.discard_attempts(job, before=10)
    kept = {f"{job}-10", f"{job}-11", "another-2"}
    assert {path.name for path in stores.scratch.iterdir()} == kept
    for pattern in (".predictions/*/*", "d-0123456789ab/*"):
        found = {path.name for path in settings.datasets_dir.glob(pattern) if any(path.iterdir())}
        assert found == kept
