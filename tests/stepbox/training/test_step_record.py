"""What a training keeps of its steps."""

import numpy as np
import pytest

from stepbox.nn.backprop import descend
from stepbox.nn.losses import cross_entropy
from stepbox.training import step_record
from stepbox.training.loop import make_trainer, train
from stepbox.training.step_record import Recorder, StepRecord
from tests.stepbox.training.test_training import SMALL_RECIPES, small_recipes

NUMPY = SMALL_RECIPES["numpy"]


def run(recipe, data):
    trainer = make_trainer(recipe, data)
    list(train(trainer, data[:50]))
    return trainer


def same(first, second):
    assert first.keys() == second.keys()
    for name, array in first.items():
        np.testing.assert_array_equal(array, second[name], err_msg=name)


def test_it_has_the_loss_of_each_step_and_the_parameters_before_some(few):
    """Compare with the training written out."""
    data = few(2500)
    trainer = run(NUMPY, data)
    record = trainer.recorder.record()
    network = make_trainer(NUMPY, data).network()

    assert record.steps == 5000
    assert record.snapshots.tolist() == [1, 1001, 2001, 2501, 3501, 4501]
    order = [*trainer.order(1), *trainer.order(2)]
    for step, index in enumerate(order, 1):
        if step in record.snapshots:
            kept = record.snapshot(record.snapshots.tolist().index(step))
            for name, array in network.named_arrays().items():
                np.testing.assert_allclose(kept[name], array, rtol=1e-9, atol=1e-12)
        inputs = data.samples[index].reshape(1, -1) / 255
        label = data.labels[index : index + 1]
        logits = descend(network, inputs, label, NUMPY.learning_rate)
        assert record.losses[step - 1] == pytest.approx(cross_entropy(logits, label)[0], rel=1e-5)
        assert record.wrong[step - 1] == (logits[0].argmax() != label[0])


@small_recipes
def test_the_losses_of_all_steps_are_those_of_the_epochs(few, recipe):
    data = few(1300)
    trainer = make_trainer(recipe, data)
    *_, last = train(trainer, data[:50])
    record = trainer.recorder.record()
    steps = trainer.steps_per_epoch
    sizes = np.diff(np.arange(0, 1300 + recipe.batch_size, recipe.batch_size).clip(max=1300))

    assert record.steps == 2 * steps == len(record.losses) == len(record.wrong)
    assert record.losses.dtype == np.float32
    assert record.losses[steps:] @ sizes / 1300 == pytest.approx(last.train_loss, rel=1e-4)
    assert record.wrong.any()


@small_recipes
def test_a_record_can_be_written_in_parts(few, recipe):
    data = few(2500)
    trainer = make_trainer(recipe, data)
    resumed = Recorder.of(trainer, trainer.parameters())
    for number, _ in enumerate(train(trainer, data[:50])):
        if number % 3 == 0 or trainer.epochs_done == 2:
            part = trainer.recorder.part(resumed.steps_done + 1)
            if part["steps"][1] >= part["steps"][0]:
                resumed.add(part)
    assert resumed.steps_done == trainer.steps
    same(resumed.part(1), trainer.recorder.part(1))
    record = StepRecord.of_arrays(trainer.recorder.part(1))
    same(record.arrays(), trainer.recorder.part(1))

    with pytest.raises(KeyError, match="goes on from step 1"):
        resumed.add(trainer.recorder.part(1))


def test_there_are_at_most_64_snapshots_and_fewer_of_large_networks(few, monkeypatch):
    recipe = NUMPY.changed(epochs=50, batch_size=500)
    trainer = make_trainer(recipe, few(2500))
    size = sum(array.nbytes for array in trainer.parameters().values())
    for most_bytes, most in ((size * 1000, 64), (size * 10 + 1, 10), (size, 1)):
        monkeypatch.setattr(step_record, "MOST_SNAPSHOT_BYTES", most_bytes)
        recorder = Recorder.of(trainer, trainer.parameters())
        due = [step for step in range(1, trainer.steps + 1, 2) if recorder.due(step)]
        assert due[0] == 1
        assert most / 2 < len(due) <= most
    monkeypatch.setattr(step_record, "MOST_SNAPSHOT_BYTES", size - 1)
    assert Recorder.of(trainer, trainer.parameters()) is None


def test_a_very_long_training_keeps_no_losses(few, monkeypatch):
    monkeypatch.setattr(step_record, "MOST_LOSSES", 4999)
    record = run(NUMPY, few(2500)).recorder.record()

    assert record.losses is None
    assert record.wrong is None
    assert record.steps == 5000
    same(StepRecord.of_arrays(record.arrays()).arrays(), record.arrays())


def test_a_training_that_resumes_without_its_record_keeps_none(few):
    data = few(1300)
    whole, resumed = (make_trainer(NUMPY, data) for _ in range(2))
    list(whole.train_epoch())
    resumed.restore(whole.state())

    assert resumed.recorder is None
    list(resumed.train_epoch())


def test_epochs_beyond_the_recipe_are_not_kept(few):
    trainer = run(NUMPY, few(1300))
    before = trainer.recorder.part(1)
    list(trainer.train_epoch())
    same(trainer.recorder.part(1), before)


@pytest.mark.parametrize(
    "change",
    [
        lambda arrays: arrays.pop("steps"),
        lambda arrays: arrays.pop("snapshots"),
        lambda arrays: arrays.pop("wrong"),
        lambda arrays: arrays.update(losses=arrays["losses"][1:]),
        lambda arrays: arrays.update(snapshots=arrays["snapshots"][::-1]),
        lambda arrays: arrays.update(snapshots=arrays["snapshots"] + 1),
        lambda arrays: arrays.update(snapshots=arrays["snapshots"][:0]),
        lambda arrays: arrays.update({"0.bias": arrays["0.bias"][1:]}),
        lambda arrays: arrays.update(steps=np.array([1, 2, 3])),
    ],
)
def test_arrays_that_are_no_record_are_rejected(few, change):
    arrays = run(NUMPY, few(2500)).recorder.part(1)
    change(arrays)
    with pytest.raises(ValueError, match="steps"):
        StepRecord.of_arrays(arrays)
