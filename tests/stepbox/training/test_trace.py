"""Every number of a step, compared with formulas that are written out here."""

import numpy as np
import pytest

from stepbox.errors import InvalidInputError
from stepbox.nn.backprop import descend
from stepbox.training.trace import trace_step
from tests.stepbox.training.test_replay import NUMPY, TORCH, opened


@pytest.fixture(scope="module")
def replay(few):
    return opened(NUMPY.changed(hidden_sizes=(9, 8)), few(1300))[1]


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def log_loss(weights, biases, x, label):
    a = x
    for w, b in zip(weights[:-1], biases[:-1], strict=True):
        a = sigmoid(w @ a + b)
    z = weights[-1] @ a + biases[-1]
    return np.log(np.exp(z).sum()) - z[label]


@pytest.mark.parametrize("step", [1, 777, 1300, 2600])
def test_the_numbers_are_those_of_the_formulas(replay, step):
    state = replay.open(step)
    trace = trace_step(replay, step)
    weights = [layer.weights for layer in state.network.layers]
    biases = [layer.biases for layer in state.network.layers]
    x, label, rate = state.batch.inputs[0], int(state.batch.labels[0]), NUMPY.learning_rate
    z = [weights[0] @ x + biases[0]]
    for w, b in zip(weights[1:], biases[1:], strict=True):
        z.append(w @ sigmoid(z[-1]) + b)
    p = np.exp(z[-1]) / np.exp(z[-1]).sum()
    a = [sigmoid(z[0]), sigmoid(z[1]), p]
    slopes = [s * (1 - s) for s in a[:2]]
    t = np.eye(10)[label]
    d3 = p - t
    d2 = weights[2].T @ d3 * slopes[1]
    d1 = weights[1].T @ d2 * slopes[0]

    assert (trace.step, trace.steps, trace.epoch) == (step, 2600, 1 + (step > 1300))
    assert (trace.label, trace.predicted) == (label, z[-1].argmax())
    assert (trace.rate, trace.weight, trace.batch_size) == (rate, 1, 1)
    assert trace.loss == pytest.approx(-np.log(p[label]))
    for layer, *expected in zip(trace.layers, z, a, [d1, d2, d3], strict=True):
        for found, value in zip((layer.z, layer.a, layer.delta["exact"]), expected, strict=True):
            np.testing.assert_allclose(found, value, rtol=1e-9, atol=1e-15)
    for layer, slope in zip(trace.layers[:2], slopes, strict=True):
        np.testing.assert_allclose(layer.slope, slope, rtol=1e-9)
    assert trace.layers[2].slope is None
    for layer, delta, before in zip(trace.layers, [d1, d2, d3], [x, *a[:2]], strict=True):
        np.testing.assert_allclose(layer.gradient["weight"], np.outer(delta, before), atol=1e-15)
        np.testing.assert_allclose(layer.gradient["bias"], delta, atol=1e-15)
    stepped = [
        w - rate * np.outer(d, i)
        for w, d, i in zip(weights, [d1, d2, d3], [x, *a[:2]], strict=True)
    ]
    moved = [b - rate * d for b, d in zip(biases, [d1, d2, d3], strict=True)]
    assert trace.after["exact"].loss == pytest.approx(log_loss(stepped, moved, x, label), rel=1e-9)
    assert trace.after["exact"].loss_same_length == pytest.approx(trace.after["exact"].loss)

    # The published gradient, with its two deviations, and each of them alone.
    wrong = [s * (1 - s) for s in (sigmoid(a[0]), sigmoid(a[1]))]
    late3 = weights[2] - rate * np.outer(d3, a[1])
    for kind, w3, (f1, f2) in (
        ("slope", weights[2], wrong),
        ("order", late3, slopes),
        ("published", late3, wrong),
    ):
        e2 = w3.T @ d3 * f2
        w2 = weights[1] - rate * np.outer(e2, a[0]) if kind != "slope" else weights[1]
        e1 = w2.T @ e2 * f1
        for layer, true, delta in zip(trace.layers, (d1, d2, d3), (e1, e2, d3), strict=True):
            np.testing.assert_allclose(layer.delta[kind], delta, rtol=1e-9, atol=1e-15)
            cosine = true @ delta / np.linalg.norm(true) / np.linalg.norm(delta)
            angle = np.degrees(np.arccos(min(1, cosine)))
            # Both gradients are products with the same inputs, so the angle is that of the δ.
            assert layer.comparison[kind].angle == pytest.approx(angle, abs=1e-5)
            ratio = np.linalg.norm(delta) / np.linalg.norm(true)
            assert layer.comparison[kind].ratio == pytest.approx(ratio)


def test_the_published_step_is_the_one_that_the_training_takes(replay):
    state = replay.open(40)
    network = state.network.copy()
    batch = state.batch
    descend(network, batch.inputs, batch.labels, batch.rate, "published")
    answer = trace_step(replay, 40).after["published"]

    np.testing.assert_allclose(answer.probabilities, network.probabilities(batch.inputs)[0])
    # As long as the exact step: at this length, the loss is another one.
    assert answer.loss_same_length != answer.loss


def test_the_gradient_can_be_chosen(replay):
    exact, published = (trace_step(replay, 40, kind=kind) for kind in ("exact", "published"))
    for layer, other in zip(exact.layers, published.layers, strict=True):
        np.testing.assert_array_equal(layer.gradient["bias"], layer.delta["exact"])
        np.testing.assert_array_equal(other.gradient["bias"], layer.delta["published"])


def test_a_batch_steps_by_its_mean(few):
    recipe = NUMPY.changed(batch_size=20, class_weights="balanced")
    _, replay = opened(recipe, few(1300))
    state = replay.open(30)
    after = state.network.copy()
    descend(
        after,
        state.batch.inputs,
        state.batch.labels,
        state.batch.rate,
        class_weights=replay.course.class_weights,
    )
    for position in (0, 7, 19):
        trace = trace_step(replay, 30, position)
        label = state.batch.labels[position]
        weight = replay.course.class_weights[label]
        [p] = after.probabilities(state.batch.inputs[position : position + 1])

        assert (trace.position, trace.sample) == (position, state.batch.indices[position])
        assert trace.weight == weight
        assert trace.after.keys() == {"exact"}
        assert trace.after["exact"].loss == pytest.approx(-weight * np.log(p[label]))
        np.testing.assert_allclose(
            trace.layers[-1].delta["exact"], weight * (trace.probabilities - np.eye(10)[label])
        )
    with pytest.raises(InvalidInputError, match="/sample: must be from 0 to 19"):
        trace_step(replay, 30, 20)
    with pytest.raises(InvalidInputError, match="/gradient: must be exact or slope"):
        trace_step(replay, 30, kind="published")


def test_the_last_batch_is_one_also_if_it_has_a_single_sample(few):
    _, replay = opened(NUMPY.changed(batch_size=20), few(1201))
    trace = trace_step(replay, 61)

    assert trace.batch_size == 1
    assert trace.layers[0].delta.keys() == {"exact", "slope"}
    assert trace.after.keys() == {"exact"}
    assert trace.after["exact"].loss < trace.loss


@pytest.mark.parametrize("recipe", TORCH.values(), ids=TORCH.keys())
def test_a_step_of_torch_has_an_outcome_only_if_it_is_plain(few, recipe):
    _, replay = opened(recipe, few(1300))
    trace = trace_step(replay, 1)

    assert replay.plain == (recipe.optimizer == "sgd")
    assert bool(trace.after) == replay.plain
    assert np.isfinite(trace.loss)
    np.testing.assert_allclose(
        trace.layers[-1].delta["exact"], trace.probabilities - np.eye(10)[trace.label]
    )
