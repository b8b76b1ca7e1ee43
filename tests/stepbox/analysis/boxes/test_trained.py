import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepbox.analysis.boxes.error import approximate
from stepbox.analysis.boxes.trained import _gradient, train_steps
from stepbox.analysis.expressions import Expression
from stepbox.nn.activations import sigmoid


def mean_square_error(function, bound, edges, levels):
    x = np.linspace(-bound, bound, 10_007)[:-1]
    return np.mean((function(x) - levels[np.searchsorted(edges, x, "right") - 1]) ** 2)


@pytest.mark.parametrize("text", ["sin(3*x)", "exp(x)", "tanh(10*x)", "abs(x)", "x+sin(10*x)"])
@pytest.mark.parametrize("neurons", [2, 8, 16])
def test_training_lowers_the_mean_square_error(text, neurons):
    function = Expression(text)
    equal = approximate(function, 3.0, neurons)

    trained = mean_square_error(function, 3.0, *train_steps(function, 3.0, neurons))

    assert trained < mean_square_error(function, 3.0, equal.edges, equal.levels)


def test_training_comes_close_to_the_best_boxes_of_a_straight_line():
    """The best are equal boxes, with a mean square error of 1/(3n²)."""
    trained = mean_square_error(np.positive, 1.0, *train_steps(np.positive, 1.0, 8))

    assert trained == pytest.approx(1 / (3 * 8**2), rel=0.02)


@given(
    st.sampled_from([np.sin, np.tanh, np.square, np.sign, np.zeros_like]),
    st.floats(1e-3, 1e3),
    st.integers(1, 12),
)
def test_the_pieces_fill_the_interval_in_order(function, bound, neurons):
    edges, levels = train_steps(function, bound, neurons)

    assert 1 <= len(levels) <= neurons
    assert len(edges) == len(levels) + 1
    assert (edges[0], edges[-1]) == (-bound, bound)
    assert (np.diff(edges) > 0).all()
    assert np.isfinite(levels).all()


@pytest.mark.parametrize("neurons", [1, 2, 64])
def test_a_constant_is_met_exactly(neurons):
    _, levels = train_steps(lambda x: np.full_like(x, 0.3), 2.0, neurons)

    assert (levels == 0.3).all()


def test_two_neurons_find_a_jump():
    edges, levels = train_steps(Expression("5*step(x-0.3)-1"), 1.0, 2)

    assert edges[1] == pytest.approx(0.3, abs=2 / 512)
    assert levels == pytest.approx([-1, 4], abs=0.02)  # a point may be on the wrong side


def test_the_largest_floats_do_not_overflow():
    _, levels = train_steps(lambda x: np.where(x < 0, -1.7e308, 1.7e308), 1.0, 2)

    assert levels == pytest.approx([-1.7e308, 1.7e308])


def test_training_is_deterministic():
    first, second = (train_steps(np.sin, 3.0, 5) for _ in range(2))

    for one, other in zip(first, second, strict=True):
        assert (one == other).all()


def test_the_gradient_agrees_with_complex_steps():
    rng = np.random.default_rng(0)
    x, targets = np.linspace(0, 4, 50), rng.normal(size=50)
    positions, heights = rng.uniform(0, 4, 3), rng.normal(size=4)

    def loss(parameters):
        on = sigmoid((x - parameters[:3, None]) / 0.3)
        return np.sum((parameters[3] + np.diff(parameters[3:]) @ on - targets) ** 2) / 2

    parameters = np.concatenate([positions, heights])
    expected = [loss(parameters + 1e-100j * unit).imag / 1e-100 for unit in np.eye(7)]

    assert _gradient(x, targets, positions, heights, 0.3) == pytest.approx(expected, rel=1e-12)
