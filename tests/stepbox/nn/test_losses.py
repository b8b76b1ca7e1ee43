import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from stepbox.nn.losses import cross_entropy, softmax

any_logits = arrays(
    np.float64, st.tuples(st.integers(1, 5), st.integers(1, 12)), elements=st.floats(-1e308, 1e308)
)
moderate_logits = arrays(np.float64, (3, 10), elements=st.floats(-50, 50))


@given(logits=any_logits)
def test_probabilities_sum_to_one_for_any_finite_logits(logits):
    probabilities = softmax(logits)

    assert ((probabilities >= 0) & (probabilities <= 1)).all()
    np.testing.assert_allclose(probabilities.sum(axis=-1), 1, rtol=1e-14)


@given(logits=moderate_logits, shift=st.floats(-50, 50))
def test_softmax_is_unchanged_by_a_shift(logits, shift):
    np.testing.assert_allclose(softmax(logits + shift), softmax(logits), rtol=1e-12)


@given(logits=moderate_logits, shift=st.floats(-50, 50))
def test_cross_entropy_is_unchanged_by_a_shift(logits, shift):
    labels = np.array([0, 5, 9])

    np.testing.assert_allclose(
        cross_entropy(logits + shift, labels), cross_entropy(logits, labels), rtol=1e-9, atol=1e-12
    )


@given(logits=moderate_logits, label=st.integers(0, 9))
def test_cross_entropy_is_the_negative_logarithm_of_the_probability(logits, label):
    exponentials = [[math.exp(z) for z in row] for row in logits.tolist()]
    expected = [-math.log(row[label] / math.fsum(row)) for row in exponentials]

    np.testing.assert_allclose(
        cross_entropy(logits, np.full(3, label)), expected, rtol=1e-9, atol=1e-12
    )


@given(logits=moderate_logits)
def test_losses_equal_those_of_torch(logits):
    labels = np.array([9, 0, 4])
    loss = torch.nn.functional.cross_entropy(
        torch.from_numpy(logits), torch.from_numpy(labels), reduction="none"
    )

    np.testing.assert_allclose(cross_entropy(logits, labels), loss.numpy(), rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(
        softmax(logits), torch.softmax(torch.from_numpy(logits), dim=1).numpy(), rtol=1e-12
    )


def test_stable_at_the_ends_of_the_float_range():
    logits = np.array([[1e308, -1e308], [1e308, 1e308], [-1e308, -1e308]])

    np.testing.assert_array_equal(softmax(logits), [[1, 0], [0.5, 0.5], [0.5, 0.5]])
    assert cross_entropy(logits, np.array([0, 0, 1])) == pytest.approx(
        [0, math.log(2), math.log(2)]
    )
    # The true value, 2e308, is beyond the float range.
    assert cross_entropy(logits[:1], np.array([1])) == np.inf


def test_softmax_takes_any_leading_axes():
    logits = np.arange(24.0).reshape(2, 3, 4)

    np.testing.assert_array_equal(softmax(logits)[1, 2], softmax(logits[1, 2]))
