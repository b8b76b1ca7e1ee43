"""Convolutions, compared with their formulas, with complex steps and with torch."""

import re
from dataclasses import dataclass

import numpy as np
import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st

from stepbox.nn.activations import IDENTITY
from stepbox.nn.convolution import Convolution, ConvolutionSpec

STEP = 1e-20


@dataclass
class Case:
    """A convolution with its inputs x, and some numbers of the shape of its outputs for δ."""

    layer: Convolution
    inputs: np.ndarray
    delta: np.ndarray


@st.composite
def cases(draw, batches=(None, 1, 3)):
    """Draw every shape that is allowed, also kernels that are larger than the image."""
    height, width, c_in = (draw(st.integers(1, most)) for most in (7, 7, 3))
    padding, stride = draw(st.integers(0, 2)), draw(st.integers(1, 3))
    kernel = draw(st.integers(1, min(height, width) + 2 * padding))
    spec = ConvolutionSpec(
        (height, width, c_in), draw(st.integers(1, 4)), kernel, stride, padding, activation=None
    )
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    arrays = {name: rng.normal(size=shape) for name, shape in spec.array_shapes.items()}
    layer = spec.layer(arrays)
    layer.fill = draw(st.sampled_from([0.0, -0.4242]))
    batch = draw(st.sampled_from(batches))
    several = () if batch is None else (batch,)
    return Case(
        layer, rng.normal(size=(*several, spec.inputs)), rng.normal(size=(*several, spec.outputs))
    )


def close(actual, expected):
    """Check that two arrays agree to 1e-9 of their largest numbers."""
    size = np.abs(expected).max(initial=1e-3)
    np.testing.assert_allclose(actual, expected, rtol=1e-9, atol=1e-9 * size)


def torch_outputs(layer, x):
    """Compute z by torch, shape (n, outputs), for x, shape (n, inputs). Also return W and b."""
    weights, biases = (
        torch.tensor(array, requires_grad=True) for array in (layer.weights, layer.biases)
    )
    images = x.reshape(-1, *layer.input_shape).permute(0, 3, 1, 2)
    padded = torch.nn.functional.pad(images, 4 * [layer.padding], value=layer.fill)
    z = torch.nn.functional.conv2d(padded, weights.permute(0, 3, 1, 2), biases, layer.stride)
    return z.permute(0, 2, 3, 1).flatten(1), weights, biases


@given(case=cases(batches=(None,)))
def test_the_formulas_term_by_term(case):
    """Add the terms of the three sums one by one, in loops over all indices."""
    layer, (height, width, c_in) = case.layer, case.layer.input_shape
    weights, s, p = layer.weights, layer.stride, layer.padding
    c_out, k, _, _ = weights.shape
    rows, columns = (1 + (length + 2 * p - k) // s for length in (height, width))
    x = np.full((height + 2 * p, width + 2 * p, c_in), layer.fill)
    x[p : p + height, p : p + width] = case.inputs.reshape(height, width, c_in)
    delta = case.delta.reshape(rows, columns, c_out)
    z = np.zeros((rows, columns, c_out))
    to_inputs, to_weights, to_biases = np.zeros(x.shape), np.zeros(weights.shape), np.zeros(c_out)
    for i, j, o in np.ndindex(rows, columns, c_out):
        z[i, j, o] = layer.biases[o]
        to_biases[o] += delta[i, j, o]
        for u, v, c in np.ndindex(k, k, c_in):
            z[i, j, o] += weights[o, u, v, c] * x[s * i + u, s * j + v, c]
            to_inputs[s * i + u, s * j + v, c] += weights[o, u, v, c] * delta[i, j, o]
            to_weights[o, u, v, c] += delta[i, j, o] * x[s * i + u, s * j + v, c]

    close(layer.forward(case.inputs), z.ravel())
    inside = to_inputs[p : p + height, p : p + width]
    close(layer.backward(case.inputs, case.delta), inside.ravel())
    gradients = layer.gradients(case.inputs, case.delta)
    close(gradients["weight"], to_weights)
    close(gradients["bias"], to_biases)


@given(case=cases())
def test_torch_computes_the_same(case):
    layer = case.layer
    x = torch.tensor(case.inputs, requires_grad=True)
    z, weights, biases = torch_outputs(layer, x)
    z.backward(torch.tensor(case.delta).reshape(z.shape))

    close(layer.forward(case.inputs), z.detach().numpy().reshape(case.delta.shape))
    close(layer.backward(case.inputs, case.delta), x.grad.numpy())
    if case.inputs.ndim == 1:
        gradients = layer.gradients(case.inputs, case.delta)
        assert list(gradients) == ["weight", "bias"]
        close(gradients["weight"], weights.grad.numpy())
        close(gradients["bias"], biases.grad.numpy())


@given(case=cases(batches=(None,)))
def test_complex_steps_give_the_same_derivatives(case):
    """C = δ · z: step every input alone, and all weights and biases in a random direction."""
    layer, inputs = case.layer, case.inputs

    def slope(of, inputs):
        return of.forward(inputs).imag @ case.delta / STEP

    steps = inputs + 1j * STEP * np.eye(len(inputs))
    close(layer.backward(inputs, case.delta), slope(layer, steps))
    rng = np.random.default_rng(1)
    for name, gradient in layer.gradients(inputs, case.delta).items():
        direction = rng.normal(size=gradient.shape)
        stepped = layer.copy(complex)
        stepped.arrays[name] += 1j * STEP * direction
        derivative = slope(stepped, inputs)
        terms = gradient * direction
        assert abs(terms.sum() - derivative) <= 1e-9 * np.abs(terms).sum()


@given(case=cases(batches=(3,)))
def test_each_sample_of_a_batch_is_computed_as_if_alone(case):
    z = case.layer.forward(case.inputs)
    passed = case.layer.backward(case.inputs, case.delta)
    for number, (sample, delta) in enumerate(zip(case.inputs, case.delta, strict=True)):
        close(z[number], case.layer.forward(sample))
        close(passed[number], case.layer.backward(sample, delta))


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.complex128])
def test_a_convolution_computes_in_the_type_of_its_weights(dtype):
    spec = ConvolutionSpec((4, 5, 2), 3, 3, padding=1)
    layer = spec.initial(np.random.default_rng(1), "default", dtype)
    layer.fill = 0.25
    inputs, delta = np.ones(spec.inputs, dtype), np.ones(spec.outputs, dtype)

    results = [
        layer.forward(inputs), layer.backward(inputs, delta),
        *layer.gradients(inputs, delta).values(),
    ]  # fmt: skip
    assert {array.dtype for array in results} == {np.dtype(dtype)}


def test_a_convolution_worked_by_hand():
    """The filter answers 3 where a bright column is to the right of a dark one."""
    image = np.array([[0, 0, 1, 1], [0, 0, 1, 1], [0, 0, 1, 1]], dtype=np.float64)
    edge = np.array([[-1.0, 1], [-1, 1]]).reshape(1, 2, 2, 1)
    layer = Convolution(edge, np.array([0.5]), (3, 4, 1))

    z = layer.forward(image.ravel())
    assert z.reshape(2, 3).tolist() == [[0.5, 2.5, 0.5], [0.5, 2.5, 0.5]]
    delta = np.array([[0.0, 1, 0], [0, 2, 0]]).ravel()
    passed = layer.backward(image.ravel(), delta).reshape(3, 4)
    assert passed.tolist() == [[0, -1, 1, 0], [0, -3, 3, 0], [0, -2, 2, 0]]
    gradients = layer.gradients(image.ravel(), delta)
    assert gradients["weight"].reshape(2, 2).tolist() == [[0, 3], [0, 3]]
    assert gradients["bias"].tolist() == [3]


def test_padding_is_filled_with_the_given_value():
    layer = Convolution(np.ones((1, 3, 3, 1)), np.zeros(1), (1, 1, 1), padding=1, fill=0.5)

    assert layer.forward(np.array([10.0])).tolist() == [10 + 8 * 0.5]
    assert layer.gradients(np.array([10.0]), np.ones(1))["weight"].ravel().tolist() == (
        [0.5] * 4 + [10] + [0.5] * 4
    )


def test_rows_and_columns_that_are_left_over_are_not_used():
    spec = ConvolutionSpec((6, 5), channels=1, kernel=3, stride=2)
    layer = spec.initial(np.random.default_rng(2), "default", np.float64)
    inputs = np.random.default_rng(3).normal(size=(6, 5))
    changed = inputs.copy()
    changed[5] = 99

    assert spec.output_shape == (2, 2, 1)
    assert (layer.forward(inputs.ravel()) == layer.forward(changed.ravel())).all()
    assert not layer.backward(inputs.ravel(), np.ones(4)).reshape(6, 5)[5].any()


# Specifications


@given(
    shape=st.tuples(*[st.integers(1, 40)] * 2, st.integers(1, 4)),
    channels=st.integers(1, 5),
    kernel=st.integers(1, 12),
    stride=st.integers(1, 5),
    padding=st.integers(0, 5),
)
def test_shapes_are_those_of_torch(shape, channels, kernel, stride, padding):
    height, width, c_in = shape
    assume(kernel <= min(height, width) + 2 * padding)
    spec = ConvolutionSpec(shape, channels, kernel, stride, padding)
    with torch.device("meta"):  # shapes without numbers
        module = torch.nn.Conv2d(c_in, channels, kernel, stride, padding)
        outputs = module(torch.empty(1, c_in, height, width))

    assert spec.output_shape == (*outputs.shape[2:], outputs.shape[1])
    assert (spec.inputs, spec.outputs) == (height * width * c_in, outputs.numel())
    assert spec.parameters == sum(one.numel() for one in module.parameters())


def test_a_grey_image_has_one_channel():
    assert ConvolutionSpec((28, 28), 8, 5) == ConvolutionSpec((28, 28, 1), 8, 5)
    assert ConvolutionSpec((28, 28), 8, 5).array_shapes == {"weight": (8, 5, 5, 1), "bias": (8,)}


@pytest.mark.parametrize(
    ("shape", "options", "words"),
    [
        ((784,), {"kernel": 5}, "needs images, and its inputs are a vector"),
        ((28, 28, 1, 1), {"kernel": 5}, "needs images, not inputs of shape (28, 28, 1, 1)"),
        ((4, 28), {"kernel": 5}, "a kernel of 5 × 5 does not fit in an input of 4 × 28"),
        (
            (4, 28, 3), {"kernel": 7, "padding": 1},
            "a kernel of 7 × 7 does not fit in an input of 4 × 28, not even with the padding: "
            "4 + 2 · 1 = 6 and 28 + 2 · 1 = 30",
        ),
    ],
)  # fmt: skip
def test_shapes_that_are_impossible_are_refused_in_words(shape, options, words):
    with pytest.raises(ValueError, match=f"{re.escape(words)}$"):
        ConvolutionSpec(shape, 8, **options)


# Initial weights


@pytest.mark.parametrize("channels", [4, 64])
@pytest.mark.parametrize("initialization", ["default", "he"])
def test_initial_weights_are_normal_with_the_documented_variance(channels, initialization):
    spec = ConvolutionSpec((12, 12, 16), channels, kernel=7)
    layer = spec.initial(np.random.default_rng(5), initialization, np.float64)
    n_in, n_out = 7 * 7 * 16, 7 * 7 * channels
    variance = 2 / n_in if initialization == "he" else 1 / max(n_in, n_out)
    normal = layer.weights.ravel() / np.sqrt(variance)

    assert not layer.biases.any()
    assert abs(normal.mean()) < 4 / np.sqrt(normal.size)
    assert abs(normal.std() - 1) < 4 / np.sqrt(2 * normal.size)
    assert abs(np.mean(np.abs(normal) < 1) - 0.6827) < 4 * 0.4655 / np.sqrt(normal.size)


def test_initial_outputs_keep_the_size_of_the_inputs():
    """With ``he``, the mean square of the outputs of ReLU stays that of the inputs."""
    rng = np.random.default_rng(6)
    spec = ConvolutionSpec((9, 9, 32), 64, kernel=5, activation="relu")
    layer = spec.initial(rng, "he", np.float64)
    inputs = rng.normal(size=(20, spec.inputs))
    outputs = layer.activation.function(layer.forward(inputs))

    assert np.mean(outputs**2) == pytest.approx(np.mean(inputs**2), rel=0.05)


def test_the_same_generator_gives_the_same_weights_in_both_precisions():
    spec = ConvolutionSpec((5, 5, 2), 3, 3)
    single, double = (
        spec.initial(np.random.default_rng(7), "he", dtype) for dtype in (np.float32, np.float64)
    )

    np.testing.assert_array_equal(single.weights, double.weights.astype(np.float32))
    assert single.biases.dtype == np.float32
    assert single.activation is IDENTITY
