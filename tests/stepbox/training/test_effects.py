"""What steps do to the loss of a sample, compared with a calculation that is written out here."""

import numpy as np
import pytest
from numpy.lib.stride_tricks import sliding_window_view

from stepbox.data.dataset import Dataset
from stepbox.errors import ConflictError, InvalidInputError
from stepbox.training import effects as effects_module
from stepbox.training.effects import Effect, Effects, step_effects
from stepbox.training.trace import trace_step
from tests.datasets import make_dataset
from tests.stepbox.training.test_replay import NUMPY, TORCH, opened

CONVOLUTION = [
    {"type": "convolution", "channels": 3, "kernel": 5, "stride": 2},
    {"type": "max-pool", "size": 2},
]
RECIPES = {
    "dense": NUMPY.changed(hidden_sizes=(9, 8)),
    "no hidden layer": NUMPY.changed(hidden_sizes=()),
    "published": NUMPY.changed(gradient="published", hidden_sizes=(9, 8)),
    "batches": NUMPY.changed(batch_size=30, schedule="cosine"),
    "everything": NUMPY.changed(
        augmentation="distort",
        batch_size=40,
        validation=0.1,
        class_weights="balanced",
        standardize=True,
        schedule="one-cycle",
    ),
    "single precision": NUMPY.changed(single_precision=True, class_weights="balanced"),
    "convolution": NUMPY.changed(layers=CONVOLUTION),
    "convolution, published": NUMPY.changed(layers=CONVOLUTION, gradient="published"),
    "torch": TORCH["torch"].changed(
        batch_size=50, class_weights="balanced", activation="sigmoid", dataset="mnist"
    ),
}


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def log_loss(arrays, image, label):
    """Compute −log p of an image or a vector from the weights and biases of each layer."""
    a = image
    for number, layer in enumerate(arrays):
        if not layer:  # a max-pool of size 2
            height, width, channels = a.shape
            a = a.reshape(height // 2, 2, width // 2, 2, channels).max(axis=(1, 3))
            continue
        weight, bias = layer["weight"], layer["bias"]
        if weight.ndim == 4:  # a convolution of stride 2 on a grey image
            windows = sliding_window_view(a, weight.shape[1:3])[::2, ::2]
            z = np.einsum("hwij,cij->hwc", windows, weight[..., 0]) + bias
        else:
            z = weight @ a.ravel() + bias
        a = sigmoid(z) if number < len(arrays) - 1 else z
    return np.log(np.exp(a - a.max()).sum()) + a.max() - a[label]


def expected_losses(replay, step, inputs, label):
    """Take a step by the mean of the gradients that its traces have for each sample."""
    kind = replay.course.recipe.gradient
    first = trace_step(replay, step, kind=kind)
    traces = [first] + [
        trace_step(replay, step, position, kind) for position in range(1, first.batch_size)
    ]
    before = [layer.layer.arrays for layer in first.layers]
    after = [
        {
            name: array
            - first.rate * np.mean([trace.layers[number].gradient[name] for trace in traces], 0)
            for name, array in arrays.items()
        }
        for number, arrays in enumerate(before)
    ]
    return log_loss(before, inputs, label), log_loss(after, inputs, label)


@pytest.mark.parametrize("recipe", RECIPES.values(), ids=RECIPES.keys())
def test_the_losses_are_those_of_the_formulas(few, load, recipe):
    _, replay = opened(recipe, few(1300))
    image = load("mnist", "test").samples[8]
    found = step_effects(replay, image, 5)
    inputs = image / 255 if recipe.pixel_scale == "unit" else image.astype(np.float64)
    if recipe.standardize:
        pixels = few(1300).samples[replay.course.trained] / 255
        inputs = (inputs - pixels.mean()) / pixels.std()

    assert (found.label, found.steps) == (5, replay.record.steps)
    assert found.snapshots == replay.record.snapshots.tolist()
    for effect in (found.effects[0], found.effects[len(found.effects) // 2], found.effects[-1]):
        trace = trace_step(replay, effect.step)
        before, after = expected_losses(replay, effect.step, inputs, 5)
        assert effect.before == pytest.approx(before, rel=1e-8)
        assert effect.change == pytest.approx(after - before, rel=1e-6, abs=1e-10)
        assert effect.change != 0
        assert effect.epoch == trace.epoch
        assert (len(effect.indices), effect.indices[0]) == (trace.batch_size, trace.sample)
        assert effect.labels[0] == trace.label
        np.testing.assert_array_equal(effect.labels, few(1300).labels[effect.indices])


def test_the_losses_of_vectors_are_those_of_the_formulas():
    spec, arrays = make_dataset("flowers", (4,), train=90)
    data = Dataset(spec, arrays["train-samples.npy"], arrays["train-labels.npy"])
    recipe = NUMPY.changed(dataset=spec.key, epochs=30).fitted(spec)
    _, replay = opened(recipe, data)
    vector = arrays["test-samples.npy"][1]
    found = step_effects(replay, vector, 2)
    inputs = (vector - data.samples.mean(axis=0)) / data.samples.std(axis=0)

    assert len(found.effects) == 30 * 16
    for effect in found.effects[::100]:
        expected = expected_losses(replay, effect.step, inputs, 2)
        assert (effect.before, effect.after) == pytest.approx(expected, rel=1e-9)


def test_the_steps_next_to_the_snapshots_are_looked_at(few):
    _, replay = opened(NUMPY, few(1010))
    found = step_effects(replay, few(1).samples[0], 5)

    assert found.snapshots == [1, 1001, 1011, 2011]
    starts = [(1, 17), (1001, 1011), (1011, 1027), (2011, 2021)]  # up to the next snapshot
    expected = [step for first, end in starts for step in range(first, end)]
    assert [effect.step for effect in found.effects] == expected


def test_a_step_lowers_the_loss_of_its_own_sample(few):
    data = few(1300)
    _, replay = opened(NUMPY, data)
    index = replay.course.order(1)[0]
    own = step_effects(replay, data.samples[index], int(data.labels[index])).effects[0]

    assert own.indices[0] == index
    assert own.after < own.before


def test_of_torch_only_the_steps_at_the_snapshots_are_known(few):
    _, replay = opened(RECIPES["torch"], few(1300))
    found = step_effects(replay, few(1).samples[0], 5)
    assert [effect.step for effect in found.effects] == replay.record.snapshots.tolist()


@pytest.mark.parametrize("name", ["torch, all that it can", "torch, convolution"])
def test_a_step_that_depends_on_others_has_no_known_effect(few, name):
    _, replay = opened(TORCH[name], few(1300))
    with pytest.raises(ConflictError, match="AdamW, dropout or batch normalization"):
        step_effects(replay, few(1).samples[0], 5)


def test_of_large_networks_fewer_steps_are_taken(few, monkeypatch):
    _, replay = opened(NUMPY, few(1300))
    sample = few(1).samples[0]

    def steps_in(time):
        """Return the steps that are taken in the time that so many steps of the training take."""
        monkeypatch.setattr(effects_module, "MOST_SECONDS", time * replay.seconds_per_step)
        return [effect.step for effect in step_effects(replay, sample, 5).effects]

    # The first step from a snapshot on takes as long as two, and each other one as three.
    assert steps_in(20.1) == [1, 2, 1001, 1002, 1301, 1302, 2301, 2302]
    assert steps_in(19.9) == steps_in(8.1) == [1, 1001, 1301, 2301]
    assert steps_in(7.9) == steps_in(4.1) == [1, 1301]
    assert steps_in(3.9) == steps_in(2.1) == [1]
    with pytest.raises(ConflictError, match="take again"):
        steps_in(1.9)


@pytest.mark.parametrize("label", [-1, 10])
def test_the_class_must_exist(few, label):
    _, replay = opened(NUMPY, few(1300))
    with pytest.raises(InvalidInputError, match="/label: must be from 0 to 9"):
        step_effects(replay, few(1).samples[0], label)


def test_the_strongest_effects_come_first():
    changes = [0.5, -0.25, 0, 2, -1, 0.125]
    effects = [
        Effect(step, 1, np.array([0]), np.array([0]), 3, 3 + change)
        for step, change in enumerate(changes, 1)
    ]
    found = Effects(0, [1], 6, effects)

    assert [effect.step for effect in found.lowered(5)] == [5, 2]
    assert [effect.step for effect in found.raised(2)] == [4, 1]
