"""Replays: the state before any step, computed again."""

import numpy as np
import pytest

from stepbox.data.dataset import Dataset
from stepbox.errors import InvalidInputError, TooFarError
from stepbox.training import replay as replay_module
from stepbox.training.loop import make_trainer, train
from stepbox.training.replay import GOAL, Replay
from tests.datasets import make_dataset
from tests.stepbox.training.test_training import SMALL_RECIPES

NUMPY = SMALL_RECIPES["numpy"]
TORCH = {name: recipe for name, recipe in SMALL_RECIPES.items() if recipe.engine == "torch"}
# With raw pixels, neurons are saturated: then rounding decides which of several outputs close to 1
# is the maximum of a pool.
RECIPES = {
    name: recipe.changed(single_precision=False, pixel_scale="unit")
    for name, recipe in SMALL_RECIPES.items()
    if recipe.engine == "numpy"
} | {
    "everything": NUMPY.changed(
        augmentation="distort",
        batch_size=7,
        validation=0.1,
        class_weights="balanced",
        standardize=True,
        schedule="one-cycle",
    ),
    "mirrored": NUMPY.changed(augmentation="mirror-shift", gradient="published"),
}


def opened(recipe, data):
    """Train a recipe; return the trainer, and the replay of its steps."""
    trainer = make_trainer(recipe, data)
    list(train(trainer, data[:50]))
    return trainer, Replay(recipe, data, trainer.recorder.record(), trainer.network())


@pytest.mark.parametrize("recipe", RECIPES.values(), ids=RECIPES.keys())
def test_a_replay_reaches_the_next_snapshot(few, recipe):
    trainer, replay = opened(recipe, few(1300))
    ends = [*replay.record.snapshots[1:], trainer.steps + 1]
    for first, end in zip(replay.record.snapshots, ends, strict=True):
        check = replay.open(int(first)).check
        assert (check.snapshot, check.until) == (first, end)
        assert 0 <= check.difference < GOAL


@pytest.mark.parametrize("recipe", RECIPES.values(), ids=RECIPES.keys())
def test_steps_open_in_any_order_to_the_same_state(few, recipe):
    """Compare with the readable form of the training, stopped before each step."""
    data = few(1300)
    trainer, replay = opened(recipe, data)
    last = trainer.steps
    steps = [last, last - 1, 1, 2, 3, 2, last // 2, last // 2 - 1, last // 2 + 1]
    readable = make_trainer(recipe, data, compiled=False)
    states = {}
    for epoch in (1, 2):
        order = readable.order(epoch)
        for start in range(0, len(order), readable.portion):
            readable.samples_done = start
            portion = order[start : start + readable.portion]
            # A state before a step inside a portion: that of a training that ends there.
            before = readable.arrays()
            for step in steps:
                inside = step - readable.next_step
                if 0 <= inside < readable.steps_per_portion:
                    readable.set_arrays(before)
                    if inside and inside * recipe.batch_size < len(portion):
                        train_part(readable, portion, inside * recipe.batch_size)
                    if inside * recipe.batch_size < len(portion):
                        states[step] = copied(readable.parameters())
            readable.set_arrays(before)
            readable.train_samples(portion)
        readable.epochs_done, readable.samples_done = epoch, 0
    for step in steps:
        state = replay.open(step)
        assert (state.step, state.epoch) == (step, 1 if step <= trainer.steps_per_epoch else 2)
        for name, array in state.network.named_arrays().items():
            np.testing.assert_allclose(array, states[step][name], rtol=1e-9, atol=1e-12)


def copied(arrays):
    return {name: array.copy() for name, array in arrays.items()}


def train_part(trainer, portion, samples):
    """Train on the first samples of a portion, augmented as in the whole portion."""
    varied = trainer.next_samples(portion)[:samples]
    labels = trainer.train_set.labels[portion[:samples]].astype(np.int64)
    trainer._train_by_definition(varied, labels, trainer.next_rates(samples))


def test_each_step_sees_the_samples_of_the_training(few):
    data = few(1300)
    recipe = NUMPY.changed(batch_size=9, augmentation="affine", schedule="cosine")
    trainer, replay = opened(recipe, data)
    for step in (1, 145, 146, 200, 290):
        batch = replay.open(step).batch
        epoch, number = divmod(step - 1, 145)
        indices = trainer.order(epoch + 1)[9 * number : 9 * number + 9]
        np.testing.assert_array_equal(batch.indices, indices)
        np.testing.assert_array_equal(batch.labels, data.labels[indices])
        assert batch.rate == trainer.learning_rates(step, 1)[0]
        np.testing.assert_array_equal(batch.inputs, batch.samples.reshape(len(indices), -1) / 255)
        assert (batch.samples != data.samples[indices]).any()
    assert len(batch.indices) == 4  # 1300 = 144 · 9 + 4


def test_a_difference_is_reported(few):
    """Change a weight that no step can change: that of a pixel which is always black."""
    data = few(1300)
    _, replay = opened(NUMPY, data)
    kept = replay.record.parameters["0.weight"][1]
    kept[3, 0] += 1e-3

    for step in (5, 1001):  # it ends at the changed snapshot, and it starts from it
        assert replay.open(step).check.difference == pytest.approx(1e-3, abs=1e-9)
    assert replay.open(int(replay.record.snapshots[-1])).check.difference < GOAL


def test_the_end_is_compared_with_the_trained_network(few):
    data = few(1300)
    trainer = make_trainer(NUMPY, data)
    list(train(trainer, data[:50]))
    network = trainer.network()
    network.layers[-1].biases[2] -= 0.25
    replay = Replay(NUMPY, data, trainer.recorder.record(), network)

    assert replay.open(2600).check.difference == pytest.approx(0.25)


def test_a_step_that_would_take_too_long_is_rejected(few, monkeypatch):
    data = few(1300)
    trainer, _ = opened(NUMPY, data)
    seconds = replay_module.seconds_per_step(trainer.network(), 1)
    monkeypatch.setattr(replay_module, "MOST_SECONDS", 100.5 * seconds)
    replay = Replay(NUMPY, data, trainer.recorder.record(), trainer.network())

    assert replay.reach == 100
    state = replay.open(100)
    assert state.check == (1, None, None)  # the next snapshot is too far
    assert replay.open(1301).check.snapshot == 1301
    with pytest.raises(TooFarError) as far:
        replay.open(101)
    assert far.value.nearest == (100, 1001)
    with pytest.raises(TooFarError) as far:
        replay.open(2600)
    assert far.value.nearest == (2400,)


@pytest.mark.parametrize("recipe", TORCH.values(), ids=TORCH.keys())
def test_of_torch_only_the_snapshots_open(few, recipe):
    data = few(2000)
    trainer = make_trainer(recipe, data)
    states = {}
    for _ in train(trainer, data[:50]):
        states[trainer.next_step] = trainer.network()
    replay = Replay(recipe, data, trainer.recorder.record(), trainer.network())
    snapshots = replay.record.snapshots.tolist()

    assert replay.reach == 1
    assert len(snapshots) > 2
    for step in snapshots:
        state = replay.open(step)
        assert state.check == (step, None, None)
        assert state.network.dtype == np.float64
        network = state.network
        if replay.course.standardization is not None:
            replay.course.standardization.fold(network)
        for name, array in states[step].named_arrays().items():
            np.testing.assert_allclose(network.named_arrays()[name], array, rtol=1e-4, atol=1e-6)
    with pytest.raises(TooFarError):
        replay.open(2)


def test_steps_from_a_snapshot_are_those_of_the_training(few):
    _, replay = opened(NUMPY, few(1300))
    assert replay.record.snapshots[1] == 1001
    taken = [
        (copied(network.named_arrays()), batch.indices[0])
        for network, batch in replay.steps_from(1, 5)
    ]
    assert len(taken) == 5
    for step, (arrays, index) in enumerate(taken, 1001):
        assert index == replay.course.order(1)[step - 1]
        for name, array in replay.open(step).network.named_arrays().items():
            np.testing.assert_array_equal(arrays[name], array)


@pytest.mark.parametrize("step", [0, -1, 2601])
def test_a_step_must_exist(few, step):
    _, replay = opened(NUMPY, few(1300))
    with pytest.raises(InvalidInputError, match="from 1 to 2,600"):
        replay.open(step)


def test_the_steps_of_vectors_open(few):
    spec, arrays = make_dataset("flowers", (4,), train=90)
    data = Dataset(spec, arrays["train-samples.npy"], arrays["train-labels.npy"])
    recipe = NUMPY.changed(dataset=spec.key, epochs=30).fitted(spec)
    trainer, replay = opened(recipe, data)

    assert len(replay.record.snapshots) == 30
    for step in (1, 50, trainer.steps):
        assert replay.open(step).check.difference < GOAL
