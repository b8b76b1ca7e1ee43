"""Figures of all steps of a training."""

import numpy as np
import pytest

from stepbox.analysis.step_trace import Comparison, compare
from stepbox.training.step_figures import angles, jumps, loss_curve, wrong_steps
from stepbox.training.trace import trace_step
from tests.stepbox.training.test_replay import NUMPY, TORCH, opened


@pytest.fixture(scope="module")
def replay(few):
    return opened(NUMPY.changed(epochs=3, shuffle=True, validation=0.2), few(1300))[1]


def test_the_curve_has_the_figures_of_each_group():
    losses = np.random.default_rng(1).exponential(size=107).astype(np.float32)
    curve = loss_curve(losses, 10)

    for name, function in (
        ("mean", np.mean),
        ("low", lambda group: np.quantile(group, 0.1)),
        ("high", lambda group: np.quantile(group, 0.9)),
        ("most", np.max),
    ):
        expected = [function(losses[start : start + 10]) for start in range(0, 107, 10)]
        np.testing.assert_allclose(getattr(curve, name), expected, rtol=1e-6)


def test_the_jumps_lead_to_such_steps(replay):
    record, course = replay.record, replay.course
    steps = course.steps_per_epoch
    found = jumps(record, course)

    def in_each_epoch(step):
        """Return whether the sample of a step is classified wrongly, by epoch, and its losses."""
        sample = replay.open(step).batch.indices[0]
        places = [
            epoch * steps + course.order(epoch + 1).tolist().index(sample) for epoch in range(3)
        ]
        return record.wrong[places].tolist(), record.losses[places]

    assert found.first == 1
    assert found.epoch_ends == [steps, 2 * steps, 3 * steps]
    assert record.losses[found.largest_loss - 1] == record.losses.max()
    assert in_each_epoch(found.wrong_each_epoch)[0] == [True, True, True]
    assert in_each_epoch(found.wrong_each_epoch)[1].max() < record.losses.max()
    assert in_each_epoch(found.wrong_then_right)[0] == [True, True, False]
    assert max(found.wrong_each_epoch, found.wrong_then_right) <= steps
    assert wrong_steps(record, course) == [
        int(record.wrong[start : start + steps].sum()) for start in (0, steps, 2 * steps)
    ]
    trace = trace_step(replay, found.largest_loss)
    assert trace.loss == pytest.approx(record.losses.max(), rel=1e-5)


def test_a_training_without_losses_still_has_its_first_steps(replay):
    record = replay.record._replace(losses=None, wrong=None)
    found = jumps(record, replay.course)

    assert (found.first, len(found.epoch_ends)) == (1, 3)
    assert found[2:] == (None, None, None)
    assert wrong_steps(record, replay.course) is None


def test_the_angles_are_those_of_the_steps_next_to_the_snapshots(replay):
    [layer] = angles(replay)
    assert layer.shape == (3, len(replay.record.snapshots))
    for number in (0, 1, len(replay.record.snapshots) - 1):
        first = int(replay.record.snapshots[number])
        found = [
            trace_step(replay, step).layers[0].comparison["published"].angle
            for step in range(first, first + 8)
        ]
        np.testing.assert_allclose(
            layer[:, number], np.quantile(found, (0.25, 0.5, 0.75)), rtol=1e-6
        )


def test_there_are_no_angles_where_no_published_step_exists(few):
    assert angles(opened(TORCH["torch"], few(1300))[1]) is None
    assert angles(opened(NUMPY.changed(batch_size=5), few(1300))[1]) is None
    assert angles(opened(NUMPY.changed(hidden_sizes=()), few(1300))[1]) == []


def test_a_gradient_of_zero_has_no_angle():
    zero, one = {"bias": np.zeros(3)}, {"bias": np.ones(3)}
    assert compare(zero, one) == Comparison(None, None)
    assert compare(one, zero) == Comparison(None, 0.0)
    assert compare({}, {}) == Comparison(None, None)
    assert compare(one, {"bias": -2 * np.ones(3)}) == pytest.approx((180, 2))
