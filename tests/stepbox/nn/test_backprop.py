"""The gradient against a complex step, against torch, and against a plain implementation."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import erf

from stepbox.nn.activations import ACTIVATIONS
from stepbox.nn.backprop import backward, sample_gradients
from stepbox.nn.convolution import Convolution
from stepbox.nn.dense import Dense
from stepbox.nn.losses import cross_entropy
from stepbox.nn.network import Network, dense_layers, layer_specs
from stepbox.training.loop import make_trainer
from stepbox.training.presets import RECIPES

STEP = 1e-20
LABEL = 3
TORCH = {
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
    "relu": torch.relu,
    "gelu": torch.nn.functional.gelu,
}

every_activation = pytest.mark.parametrize("activation", ACTIVATIONS.values(), ids=lambda a: a.name)
every_depth = pytest.mark.parametrize(
    "hidden_sizes", [(), (7,), (7, 6), (7, 6, 5)], ids=lambda sizes: f"depth {len(sizes)}"
)


def sample_network(hidden_sizes, activation):
    """Return a small network without zeros, and inputs for it."""
    rng = np.random.default_rng(11)
    network = Network.initial(dense_layers((9, *hidden_sizes, 5), activation.name), seed=12)
    for layer in network.layers:
        layer.biases += rng.normal(size=layer.biases.shape)
    return network, rng.normal(size=9)


def loss(network, inputs):
    return cross_entropy(network.logits(inputs[None]), np.array([LABEL]))[0]


@every_activation
@every_depth
def test_complex_step_agrees_for_every_weight_and_bias(hidden_sizes, activation):
    network, inputs = sample_network(hidden_sizes, activation)
    gradients = sample_gradients(network, inputs, LABEL)
    moved = network.copy(complex)
    for layer, gradients_of_layer in zip(moved.layers, gradients, strict=True):
        assert gradients_of_layer.keys() == layer.arrays.keys()
        for name, parameters in layer.arrays.items():
            gradient = gradients_of_layer[name]
            slope = np.empty_like(gradient)
            for index in np.ndindex(parameters.shape):
                here = parameters[index]
                parameters[index] = here + 1j * STEP
                slope[index] = loss(moved, inputs).imag / STEP
                parameters[index] = here
            assert slope.any()
            np.testing.assert_allclose(gradient, slope, rtol=1e-9)


@every_activation
@every_depth
def test_torch_agrees_for_every_weight_and_bias(hidden_sizes, activation):
    network, inputs = sample_network(hidden_sizes, activation)
    tensors = [
        {name: torch.tensor(array, requires_grad=True) for name, array in layer.arrays.items()}
        for layer in network.layers
    ]
    x = torch.tensor(inputs)
    for number, layer in enumerate(tensors):
        if number:
            x = TORCH[activation.name](x)
        x = layer["weight"] @ x + layer["bias"]
    torch.nn.functional.cross_entropy(x, torch.tensor(LABEL)).backward()

    for layer, gradients in zip(tensors, sample_gradients(network, inputs, LABEL), strict=True):
        for name, tensor in layer.items():
            np.testing.assert_allclose(gradients[name], tensor.grad.numpy(), rtol=1e-9)


@st.composite
def chains(draw):
    """Draw a network of any layers that fit, an activation function, and inputs."""
    shape = tuple(draw(st.integers(1, most)) for most in (9, 9, 3))
    name = draw(st.sampled_from(list(ACTIVATIONS)))
    layers, image = [], True
    for _ in range(draw(st.integers(0, 5))):
        kinds = ["convolution", "max-pool", "dense"] if image else ["dense"]
        layer = {"type": draw(st.sampled_from(kinds))}
        image = layer["type"] != "dense"
        if image:
            least = min(layer_specs(shape, layers)[-1].output_shape[:2] if layers else shape[:2])
            layer["stride"] = draw(st.integers(1, 2))
        if layer["type"] == "convolution":
            layer["padding"] = draw(st.integers(0, 1))
            layer["kernel"] = draw(st.integers(1, min(3, least + 2 * layer["padding"])))
            layer |= {"channels": draw(st.integers(1, 4)), "activation": name}
        elif layer["type"] == "max-pool":
            layer["size"] = draw(st.integers(1, min(3, least)))
        else:
            layer |= {"neurons": draw(st.integers(1, 6)), "activation": name}
        layers.append(layer)
    layers.append({"type": "dense", "neurons": 5})
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    network = Network.initial(layer_specs(shape, layers), seed=1)
    for array in network.named_arrays().values():
        array += 0.5 * rng.normal(size=array.shape)
    return network, rng.normal(size=math.prod(shape))


def torch_logits(network, x, tensors):
    """Compute the logits by torch. `tensors` has the parameters of each layer."""
    for layer, parameters in zip(network.layers, tensors, strict=True):
        if isinstance(layer, Dense):
            x = x.flatten() @ parameters["weight"].T + parameters["bias"]
        else:
            x = x.reshape(layer.input_shape).permute(2, 0, 1)[None]  # channels first
            if isinstance(layer, Convolution):
                weight = parameters["weight"].permute(0, 3, 1, 2)
                options = {"stride": layer.stride, "padding": layer.padding}
                x = torch.nn.functional.conv2d(x, weight, parameters["bias"], **options)
            else:
                x = torch.nn.functional.max_pool2d(x, layer.size, layer.stride)
            x = x[0].permute(1, 2, 0)
        x = TORCH.get(layer.activation.name, lambda z: z)(x)
    return x


def close(actual, expected):
    size = np.abs(expected).max(initial=1e-6)
    np.testing.assert_allclose(actual, expected, rtol=1e-9, atol=1e-9 * size)


@given(chain=chains())
def test_torch_agrees_for_networks_of_all_kinds_of_layers(chain):
    network, inputs = chain
    tensors = [
        {name: torch.tensor(array, requires_grad=True) for name, array in layer.arrays.items()}
        for layer in network.layers
    ]
    logits = torch_logits(network, torch.tensor(inputs), tensors)
    torch.nn.functional.cross_entropy(logits, torch.tensor(LABEL)).backward()

    close(network.logits(inputs[None])[0], logits.detach().numpy())
    for layer, gradients in zip(tensors, sample_gradients(network, inputs, LABEL), strict=True):
        assert gradients.keys() == layer.keys()
        for name, tensor in layer.items():
            close(gradients[name], tensor.grad.numpy())


@given(chain=chains())
def test_complex_steps_agree_for_networks_of_all_kinds_of_layers(chain):
    """Step all parameters of an array at once, in a random direction."""
    network, inputs = chain
    rng = np.random.default_rng(3)
    gradients = sample_gradients(network, inputs, LABEL)
    for number, layer in enumerate(network.layers):
        for name, array in layer.arrays.items():
            direction = rng.normal(size=array.shape)
            stepped = network.copy(complex)
            stepped.layers[number].arrays[name] += 1j * STEP * direction
            terms = gradients[number][name] * direction
            error = terms.sum() - loss(stepped, inputs).imag / STEP
            assert abs(error) <= 1e-9 * max(np.abs(terms).sum(), 1e-6)


@every_activation
def test_complex_arithmetic_gives_the_second_derivative(activation):
    """The backward pass itself runs on complex numbers: Im ∂C/∂w(w + ih) / h = ∂²C/∂w²."""
    network, inputs = sample_network((4,), activation)
    moved = network.copy(complex)
    moved.layers[1].weights[2, 1] += 1j * STEP
    second = sample_gradients(moved, inputs, LABEL)[1]["weight"][2, 1].imag / STEP

    # By hand: C is log Σ exp z minus a linear term, so for w_ij of the last layer
    # ∂²C/∂w_ij² = p_i (1 − p_i) a_j².
    p = network.probabilities(inputs[None])[0, 2]
    a = network.forward(inputs)[1][1][1]
    assert second == pytest.approx(p * (1 - p) * a**2, rel=1e-9)


def test_backward_goes_from_the_last_layer_to_the_first():
    network, inputs = sample_network((7, 6), ACTIVATIONS["sigmoid"])
    activations = network.forward(inputs)[1]
    passed = list(backward(network, *network.forward(inputs), LABEL))

    assert [layer for layer, _, _ in passed] == network.layers[::-1]
    assert [delta.shape for _, _, delta in passed] == [(5,), (6,), (7,)]
    for (_, layer_inputs, _), activation in zip(passed, reversed(activations), strict=True):
        np.testing.assert_array_equal(layer_inputs, activation)
    assert passed[0][2].sum() == pytest.approx(0, abs=1e-15)  # Σ(p − t) = 1 − 1


# A plain implementation of one sample's step, independent of the library.
VALUE_AND_SLOPE = {
    "sigmoid": (
        lambda z: 1 / (1 + np.exp(-z)),
        lambda z: np.exp(-z) / (1 + np.exp(-z)) ** 2,
    ),
    "tanh": (np.tanh, lambda z: 1 - np.tanh(z) ** 2),
    "relu": (lambda z: np.maximum(z, 0), lambda z: np.heaviside(z, 0)),
    "gelu": (
        lambda z: z / 2 * (1 + erf(z / np.sqrt(2))),
        lambda z: (1 + erf(z / np.sqrt(2))) / 2 + z * np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi),
    ),
}


def weights_and_biases(network):
    return [layer.weights for layer in network.layers], [layer.biases for layer in network.layers]


def read_plainly(weights, biases, x, label, rate, name, *, at_activation, updated_weights):
    value, slope = VALUE_AND_SLOPE[name]
    layers = range(len(weights))
    a, z = [x], []
    for layer in layers:
        z.append(weights[layer].dot(a[layer]) + biases[layer])
        a.append(value(z[layer]))
    target = np.zeros(10)
    target[label] = 1
    error = np.exp(z[-1]) / np.exp(z[-1]).sum() - target
    old_weights = [w.copy() for w in weights]
    for layer in reversed(layers):
        weights[layer] = weights[layer] - rate * error.reshape(-1, 1) * a[layer].reshape(1, -1)
        biases[layer] = biases[layer] - rate * error
        through = weights[layer] if updated_weights else old_weights[layer]
        point = a[layer] if at_activation else z[layer - 1]
        error = np.array([through[:, j].dot(error) for j in range(through.shape[1])])
        if layer:
            error = error * slope(point)


@pytest.mark.parametrize("name", ACTIVATIONS)
@pytest.mark.parametrize("hidden_sizes", [(), (6,), (6, 5), (6, 5, 7)])
@pytest.mark.parametrize("gradient", ["exact", "published"])
def test_training_equals_a_plain_implementation(few, name, hidden_sizes, gradient):
    recipe = RECIPES["mnist-numpy"].model_copy(
        update={
            "activation": name,
            "hidden_sizes": hidden_sizes,
            "gradient": gradient,
            "learning_rate": 0.02,
        }
    )
    data = few(30)
    trainer = make_trainer(recipe, data)
    weights, biases = weights_and_biases(trainer.network())
    deviates = gradient == "published"
    for image, label in zip(data.samples, data.labels, strict=True):
        read_plainly(
            *(weights, biases, image.ravel() / 255, label, 0.02, name),
            at_activation=deviates,
            updated_weights=deviates,
        )

    trainer.train_samples(np.arange(30))

    for layer, expected, expected_biases in zip(
        trainer.network().layers, weights, biases, strict=True
    ):
        np.testing.assert_allclose(layer.weights, expected, rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(layer.biases, expected_biases, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(
    "switches",
    [
        {"at_activation": False, "updated_weights": False},
        {"at_activation": True, "updated_weights": False},
        {"at_activation": False, "updated_weights": True},
    ],
)
def test_each_deviation_changes_the_weights(few, switches):
    """If either deviation is missing, the weights differ from those of `published`."""
    recipe = RECIPES["mnist-numpy"].model_copy(
        update={"gradient": "published", "learning_rate": 0.1}
    )
    data = few(1)
    trainer = make_trainer(recipe, data)
    weights, biases = weights_and_biases(trainer.network())
    read_plainly(
        weights, biases, data.samples[0].ravel() / 255, data.labels[0], 0.1, "sigmoid", **switches
    )

    trainer.train_samples(np.arange(1))

    before = make_trainer(recipe, data).network().layers[0].weights
    ours, other = trainer.network().layers[0].weights - before, weights[0] - before
    assert np.abs(ours - other).max() > 0.01 * np.abs(ours).max()


@pytest.mark.parametrize("batch_size", [2, 7])
def test_a_batch_steps_along_the_mean_gradient(few, batch_size):
    recipe = RECIPES["mnist-numpy"].model_copy(
        update={"batch_size": batch_size, "hidden_sizes": (6, 5)}
    )
    data = few(2 * batch_size + 1)  # the last batch is shorter
    trainer = make_trainer(recipe, data)
    expected = trainer.network()
    for start in range(0, len(data.labels), batch_size):
        gradients = [
            sample_gradients(expected, image.ravel() / 255, label)
            for image, label in zip(
                data.samples[start : start + batch_size],
                data.labels[start : start + batch_size],
                strict=True,
            )
        ]
        for number, layer in enumerate(expected.layers):
            for name, array in layer.arrays.items():
                array -= recipe.learning_rate * np.mean(
                    [g[number][name] for g in gradients], axis=0
                )

    trainer.train_samples(np.arange(len(data.labels)))

    for name, array in trainer.network().named_arrays().items():
        np.testing.assert_allclose(array, expected.named_arrays()[name], rtol=1e-9, atol=1e-14)
