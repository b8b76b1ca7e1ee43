import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepbox.nn.activations import ACTIVATIONS

STEP = 1e-20

activations = pytest.mark.parametrize("activation", ACTIVATIONS.values(), ids=lambda a: a.name)


@activations
@given(z=st.floats(-30, 30).filter(lambda z: z != 0))
def test_a_derivative_equals_the_complex_step_derivative(activation, z):
    slope = activation.function(np.array([z + 1j * STEP])).imag / STEP

    np.testing.assert_allclose(activation.derivative(np.array([z])), slope, rtol=1e-12, atol=1e-15)


@given(z=st.floats(-30, 30))
def test_values_equal_the_textbook_formulas(z):
    value = {name: a.function(np.array([z]))[0] for name, a in ACTIVATIONS.items()}

    assert value["sigmoid"] == pytest.approx(1 / (1 + math.exp(-z)), abs=1e-15)
    assert value["tanh"] == math.tanh(z) or value["tanh"] == pytest.approx(math.tanh(z), rel=1e-14)
    assert value["relu"] == max(0.0, z)
    assert value["gelu"] == pytest.approx(z * (1 + math.erf(z / math.sqrt(2))) / 2, abs=1e-14)


def test_the_derivative_of_relu_at_0_is_0():
    assert ACTIVATIONS["relu"].derivative(np.zeros(1)) == 0


@activations
@pytest.mark.parametrize("extreme", [-1e308, 1e308])
def test_stable_at_the_ends_of_the_float_range(activation, extreme):
    z = np.array([extreme])

    assert np.isfinite(activation.function(z)).all()
    steep = activation.name in ("relu", "gelu") and extreme > 0
    assert activation.derivative(z) == (1 if steep else 0)


@activations
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.complex128])
def test_dtype_is_kept(activation, dtype):
    z = np.array([-1, 0, 2], dtype)

    assert activation.function(z).dtype == activation.derivative(z).dtype == dtype
