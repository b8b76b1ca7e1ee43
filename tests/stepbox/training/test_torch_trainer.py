import numpy as np
import pytest
import torch

from stepbox.data.builtin import FASHION_MNIST
from stepbox.data.dataset import scale_pixels
from stepbox.errors import OutOfDeviceMemoryError
from stepbox.training.course import visiting_order
from stepbox.training.presets import RECIPES
from stepbox.training.torch_device import explain_out_of_memory
from stepbox.training.torch_model import initial_model
from stepbox.training.torch_trainer import (
    AutogradTrainer,
    FormulaTrainer,
    make_torch_trainer,
)

pytestmark = pytest.mark.container

RECIPE = RECIPES["fashion-mnist-torch"].model_copy(update={"hidden_sizes": (12, 11), "seed": 9})


def test_initial_weights_are_torchs_default_for_the_seed():
    torch.manual_seed(9)
    layers = [torch.nn.Linear(784, 12), torch.nn.Linear(12, 11), torch.nn.Linear(11, 10)]
    ours = [
        module
        for module in initial_model(RECIPE, FASHION_MNIST)
        if isinstance(module, torch.nn.Linear)
    ]

    for layer, expected in zip(ours, layers, strict=True):
        torch.testing.assert_close(layer.weight, expected.weight, rtol=0, atol=0)
        torch.testing.assert_close(layer.bias, expected.bias, rtol=0, atol=0)


def test_a_training_leaves_the_random_state_of_the_process_alone(few):
    torch.manual_seed(1)
    expected = torch.rand(3)
    torch.manual_seed(1)
    list(make_torch_trainer(RECIPE, few(200)).train_epoch())

    torch.testing.assert_close(torch.rand(3), expected, rtol=0, atol=0)


@pytest.mark.parametrize("activation", ["sigmoid", "tanh", "relu"])
def test_the_network_gives_the_outputs_of_the_torch_model(few, activation):
    recipe = RECIPE.model_copy(update={"activation": activation})
    inputs = scale_pixels(few(50).samples, "unit", np.float32)
    model = initial_model(recipe, FASHION_MNIST)
    network = make_torch_trainer(recipe, few(50)).network()

    assert {array.dtype for array in network.named_arrays().values()} == {np.dtype(np.float32)}
    np.testing.assert_allclose(
        network.logits(inputs), model(torch.from_numpy(inputs)).detach(), rtol=1e-4, atol=1e-6
    )


@pytest.mark.parametrize("pixel_scale", ["unit", "raw"])
def test_an_epoch_equals_gradient_descent_written_out(few, pixel_scale):
    recipe = RECIPE.model_copy(
        update={"pixel_scale": pixel_scale, "batch_size": 48, "learning_rate": 0.001}
    )
    data = few(500)
    trainer = make_torch_trainer(recipe, data)
    model = initial_model(recipe, FASHION_MNIST)
    inputs = torch.tensor(data.samples.reshape(500, 784), dtype=torch.float32)
    inputs /= 255 if pixel_scale == "unit" else 1
    labels = torch.tensor(data.labels.astype(int))
    order = visiting_order(recipe, 1, 500)
    losses = []
    for start in range(0, 500, 48):
        batch = order[start : start + 48]
        loss = torch.nn.functional.cross_entropy(model(inputs[batch]), labels[batch])
        gradients = torch.autograd.grad(loss, list(model.parameters()))
        with torch.no_grad():
            for parameter, gradient in zip(model.parameters(), gradients, strict=True):
                parameter -= 0.001 * gradient
        losses.append(loss.item() * len(batch))

    *_, (samples, loss_sum) = trainer.train_epoch()

    assert samples == 500
    assert loss_sum == pytest.approx(sum(losses), rel=1e-5)
    expected = [parameter.detach().numpy() for parameter in model.parameters()]
    for ours, theirs in zip(trainer.network().named_arrays().values(), expected, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-6)


PLAIN = {"hidden_sizes": (9, 8), "batch_size": 20}


@pytest.mark.parametrize("activation", ["sigmoid", "tanh", "relu"])
@pytest.mark.parametrize("hidden_sizes", [(), (9,), (9, 8)], ids=len)
@pytest.mark.parametrize("standardize", [False, True])
def test_formulas_and_autograd_give_the_same_weights(few, activation, hidden_sizes, standardize):
    recipe = RECIPE.model_copy(
        update=PLAIN
        | {"activation": activation, "hidden_sizes": hidden_sizes, "standardize": standardize}
    )
    trainers = [kind(recipe, few(210)) for kind in (FormulaTrainer, AutogradTrainer)]
    losses = [list(trainer.train_epoch())[-1][1] for trainer in trainers]

    assert losses[0] == pytest.approx(losses[1], rel=1e-5)
    formulas, autograd = (trainer.network().named_arrays() for trainer in trainers)
    for name, array in autograd.items():
        np.testing.assert_allclose(formulas[name], array, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(
    ("update", "kind"),
    [
        ({}, FormulaTrainer),
        ({"standardize": True, "schedule": "cosine", "initialization": "he"}, FormulaTrainer),
        ({"optimizer": "adamw"}, AutogradTrainer),
        ({"dropout": 0.1}, AutogradTrainer),
        ({"normalization": "batch"}, AutogradTrainer),
        ({"activation": "gelu"}, AutogradTrainer),
    ],
)
def test_autograd_is_used_only_if_no_formula_applies(few, update, kind):
    assert type(make_torch_trainer(RECIPE.model_copy(update=update), few(10))) is kind


def test_an_optimizer_that_the_trainer_does_not_know_is_not_replaced_by_another(few):
    with pytest.raises(AssertionError, match="none such"):
        make_torch_trainer(RECIPE.model_copy(update={"optimizer": "none such"}), few(10))


def test_normalization_and_standardization_are_folded_into_plain_layers(few):
    """Compare the plain network with the torch model on standardized pixels."""
    recipe = RECIPES["fashion-mnist-torch-best"].model_copy(
        update={"hidden_sizes": (14, 13, 12), "batch_size": 50}
    )
    data = few(500)
    trainer = make_torch_trainer(recipe, data)
    list(trainer.train_epoch())
    model = initial_model(recipe, FASHION_MNIST)
    arrays = trainer.arrays()
    model.load_state_dict(
        {name: torch.tensor(arrays[f"model.{name}"]) for name in model.state_dict()}
    )
    model.eval()
    pixels = data.samples.reshape(500, 784) / 255
    standardized = torch.tensor((pixels - pixels.mean()) / pixels.std(), dtype=torch.float32)
    network = trainer.network()

    assert any(isinstance(module, torch.nn.BatchNorm1d) for module in model)
    assert [layer.activation.name for layer in network.layers] == ["gelu"] * 3 + ["identity"]
    assert [layer.weights.shape for layer in network.layers] == [
        (14, 784),
        (13, 14),
        (12, 13),
        (10, 12),
    ]
    np.testing.assert_allclose(
        network.logits(scale_pixels(data.samples, "unit", np.float32)),
        model(standardized).detach(),
        rtol=1e-3,
        atol=1e-4,
    )


def test_he_weights_have_the_right_standard_deviation():
    recipe = RECIPE.model_copy(update={"initialization": "he", "hidden_sizes": (300,)})
    first, *_ = initial_model(recipe, FASHION_MNIST)

    assert first.weight.std().item() == pytest.approx((2 / 784) ** 0.5, rel=0.01)
    assert not first.bias.any()


def test_dropout_drops_the_given_share(few):
    """More dropout changes the loss more."""
    recipe = RECIPES["fashion-mnist-torch-best"].model_copy(
        update={"normalization": "none", "learning_rate": 1e-9, "hidden_sizes": (50,)}
    )
    losses = [
        make_torch_trainer(recipe.model_copy(update={"dropout": dropout}), few(500))
        .train_samples(np.arange(500))[0]
        .sum()
        for dropout in (0.0, 0.05, 0.9)
    ]

    assert losses[0] != losses[1] != losses[2]
    assert abs(losses[1] - losses[0]) < abs(losses[2] - losses[0])


def test_a_full_device_is_explained():
    with (
        pytest.raises(OutOfDeviceMemoryError, match=r"batch_size 64 .* choose a smaller"),
        explain_out_of_memory(RECIPE),
    ):
        raise torch.OutOfMemoryError("CUDA out of memory")


def test_other_errors_of_torch_are_not_changed():
    with pytest.raises(RuntimeError, match="shapes"), explain_out_of_memory(RECIPE):
        torch.ones(2, 3) @ torch.ones(2, 3)


def test_the_device_is_cuda_if_visible(few):
    expected = "cuda" if torch.cuda.device_count() else "cpu"

    assert make_torch_trainer(RECIPE, few(10)).device == expected
