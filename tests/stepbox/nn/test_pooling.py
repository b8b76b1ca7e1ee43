"""Max-pooling, compared with its definition, with complex steps and with torch."""

import re

import numpy as np
import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st

from stepbox.nn.pooling import MaxPool, MaxPoolSpec

STEP = 1e-20


@st.composite
def cases(draw, *, ties, batches=(None, 1, 3)):
    """Draw a layer, its inputs and δ. With ties, the inputs are few different numbers."""
    height, width, channels = (draw(st.integers(1, most)) for most in (7, 7, 3))
    size = draw(st.integers(1, min(height, width)))
    spec = MaxPoolSpec((height, width, channels), size, draw(st.integers(1, 4)))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    batch = draw(st.sampled_from(batches))
    several = () if batch is None else (batch,)
    shape = (*several, spec.inputs)
    inputs = rng.integers(-1, 2, shape).astype(np.float64) if ties else rng.normal(size=shape)
    return spec.layer({}), inputs, rng.normal(size=(*several, spec.outputs))


def torch_outputs(layer, x):
    """Compute z by torch, shape (n, outputs), and the flat positions of the maxima."""
    images = x.reshape(-1, *layer.input_shape).permute(0, 3, 1, 2)
    z, positions = torch.nn.functional.max_pool2d(
        images, layer.size, layer.stride, return_indices=True
    )
    return z.permute(0, 2, 3, 1).flatten(1), positions.permute(0, 2, 3, 1)


@given(case=st.booleans().flatmap(lambda ties: cases(ties=ties)))
def test_torch_computes_the_same(case):
    """Of equal maxima, both take the first."""
    layer, inputs, delta = case
    x = torch.tensor(inputs, requires_grad=True)
    z, _ = torch_outputs(layer, x)
    z.backward(torch.tensor(delta).reshape(z.shape))

    np.testing.assert_array_equal(layer.forward(inputs), z.detach().numpy().reshape(delta.shape))
    np.testing.assert_allclose(layer.backward(inputs, delta), x.grad.numpy(), rtol=1e-9, atol=1e-12)
    assert layer.gradients(inputs, delta) == {}


@given(case=st.booleans().flatmap(lambda ties: cases(ties=ties)))
def test_winners_are_the_positions_of_the_maxima(case):
    layer, inputs, _ = case
    _, positions = torch_outputs(layer, torch.tensor(inputs))
    winners = layer.winners(inputs)
    rows, columns = np.divmod(winners, layer.size)
    height, width, _ = layer.input_shape
    top = layer.stride * np.arange(winners.shape[-3])[:, None, None]
    left = layer.stride * np.arange(winners.shape[-2])[:, None]

    flat = (top + rows) * width + left + columns
    np.testing.assert_array_equal(flat.reshape(positions.shape), positions.numpy())
    assert flat.max() < height * width


@given(case=cases(ties=True, batches=(None,)))
def test_the_definition_window_by_window(case):
    layer, inputs, delta = case
    k, s = layer.size, layer.stride
    x, passed = inputs.reshape(layer.input_shape), np.zeros(layer.input_shape)
    height, width, channels = layer.input_shape
    z = []
    deltas = iter(delta)
    for top in range(0, height - k + 1, s):
        for left in range(0, width - k + 1, s):
            for c in range(channels):
                window = x[top : top + k, left : left + k, c]
                u, v = next(at for at in np.ndindex(k, k) if window[at] == window.max())
                z.append(window[u, v])
                passed[top + u, left + v, c] += next(deltas)

    np.testing.assert_array_equal(layer.forward(inputs), z)
    np.testing.assert_allclose(
        layer.backward(inputs, delta), passed.ravel(), rtol=1e-12, atol=1e-14
    )


@given(case=cases(ties=False, batches=(None,)))
def test_complex_steps_give_the_same_derivatives(case):
    layer, inputs, delta = case
    steps = inputs + 1j * STEP * np.eye(len(inputs))
    slopes = layer.forward(steps).imag @ delta / STEP

    np.testing.assert_allclose(layer.backward(inputs, delta), slopes, rtol=1e-9, atol=1e-12)


@given(case=cases(ties=True, batches=(3,)))
def test_each_sample_of_a_batch_is_computed_as_if_alone(case):
    layer, inputs, delta = case
    for number, (sample, of_sample) in enumerate(zip(inputs, delta, strict=True)):
        np.testing.assert_array_equal(layer.forward(inputs)[number], layer.forward(sample))
        np.testing.assert_array_equal(
            layer.backward(inputs, delta)[number], layer.backward(sample, of_sample)
        )


@given(case=cases(ties=True))
def test_no_derivative_is_lost_at_ties(case):
    """Each δ goes to exactly one input."""
    layer, inputs, delta = case
    ones = np.ones_like(delta)

    assert layer.backward(inputs, ones).sum() == delta.size
    assert layer.backward(inputs, delta).sum() == pytest.approx(delta.sum(), abs=1e-9)


def test_complex_numbers_are_compared_by_their_real_parts():
    layer = MaxPool((2, 2, 1), size=2, stride=2)

    assert layer.forward(np.array([1 + 9j, 2 - 5j, 0 + 99j, 1])).tolist() == [2 - 5j]
    assert layer.forward(np.array([1 + 1j, 1 + 9j, 0, 0])).tolist() == [1 + 1j]


def test_a_pool_worked_by_hand():
    image = np.array([[1, 3, 0, 0, 9], [2, 3, 0, 0, 9], [5, 4, 1, 6, 9], [0, 0, 6, 2, 9]], float)
    layer = MaxPool((4, 5, 1), size=2, stride=2)

    assert layer.forward(image.ravel()).tolist() == [3, 0, 5, 6]
    assert layer.winners(image.ravel()).ravel().tolist() == [1, 0, 0, 1]
    assert layer.backward(image.ravel(), np.array([10.0, 20, 30, 40])).reshape(4, 5).tolist() == [
        [0, 10, 20, 0, 0],
        [0, 0, 0, 0, 0],
        [30, 0, 0, 40, 0],
        [0, 0, 0, 0, 0],
    ]


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.complex128])
def test_a_pool_computes_in_the_type_of_its_inputs(dtype):
    spec = MaxPoolSpec((4, 4, 2), 2, 2)
    inputs, delta = np.ones(spec.inputs, dtype), np.ones(spec.outputs, dtype)

    assert spec.layer({}).forward(inputs).dtype == dtype
    assert spec.layer({}).backward(inputs, delta).dtype == dtype


# Specifications


@given(
    shape=st.tuples(*[st.integers(1, 40)] * 2, st.integers(1, 4)),
    size=st.integers(1, 12),
    stride=st.integers(1, 14),
)
def test_shapes_are_those_of_torch(shape, size, stride):
    height, width, channels = shape
    assume(size <= min(height, width))
    spec = MaxPoolSpec(shape, size, stride)
    with torch.device("meta"):  # shapes without numbers
        outputs = torch.nn.MaxPool2d(size, stride)(torch.empty(1, channels, height, width))

    assert spec.output_shape == (*outputs.shape[2:], outputs.shape[1])
    assert (spec.parameters, spec.array_shapes) == (0, {})
    layer = spec.initial(np.random.default_rng(), "default", np.float64)
    assert layer.forward(np.zeros(spec.inputs)).shape == (spec.outputs,)
    assert layer.arrays == {}


def test_a_grey_image_has_one_channel():
    assert MaxPoolSpec((28, 28), 3, 2) == MaxPoolSpec((28, 28, 1), 3, 2)


@pytest.mark.parametrize(
    ("shape", "words"),
    [
        ((784,), "needs images, and its inputs are a vector"),
        ((4, 28, 3), "a window of 5 × 5 does not fit in an input of 4 × 28"),
    ],
)
def test_shapes_that_are_impossible_are_refused_in_words(shape, words):
    with pytest.raises(ValueError, match=f"{re.escape(words)}$"):
        MaxPoolSpec(shape, size=5, stride=5)
