"""The torch engine on a CUDA device."""

import numpy as np
import pytest
import torch

from stepbox.errors import OutOfDeviceMemoryError
from stepbox.training.captured_step import CapturedStep
from stepbox.training.loop import make_trainer, train
from stepbox.training.presets import RECIPES
from stepbox.training.torch_trainer import make_torch_trainer

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device is visible"),
]

PLAIN = RECIPES["fashion-mnist-torch"].model_copy(update={"epochs": 2, "hidden_sizes": (12, 11)})
BEST = RECIPES["fashion-mnist-torch-best"].model_copy(
    update={"epochs": 2, "hidden_sizes": (12, 11), "batch_size": 64}
)
CONVOLUTION = RECIPES["mnist-torch-convolution"].changed(epochs=2, batch_size=64, dropout=0.1)
# AdamW amplifies the rounding errors of gradients that would be 0.
STEADY = CONVOLUTION.changed(optimizer="sgd", weight_decay=0.0, learning_rate=0.05)
ALL = pytest.mark.parametrize(
    "recipe", [PLAIN, BEST, STEADY], ids=["formulas", "autograd", "convolutions"]
)


def batch():
    return torch.rand(64, 784, device="cuda"), torch.arange(64, device="cuda") % 10


@pytest.mark.parametrize(
    "recipe", [PLAIN, BEST, CONVOLUTION], ids=["formulas", "autograd", "convolutions"]
)
@pytest.mark.filterwarnings("ignore:Synchronization debug mode is a prototype feature")
def test_no_step_waits_for_the_device(few, recipe):
    trainer = make_torch_trainer(recipe, few(640))
    list(trainer.train_epoch())
    inputs, labels = batch()
    try:
        torch.cuda.set_sync_debug_mode("error")
        losses = [trainer._step(inputs, labels, 0.01) for _ in range(8)]
        losses += [trainer._descend(inputs, labels, 0.01) for _ in range(8)]
    finally:
        torch.cuda.set_sync_debug_mode("default")

    assert isinstance(trainer._captured, CapturedStep)
    assert all(loss.device.type == "cuda" for loss in losses)


@ALL
def test_a_captured_graph_gives_the_same_weights_as_single_operations(few, recipe):
    recipe = recipe.model_copy(update={"dropout": 0.0})
    data = few(1000)
    captured, plain = (make_torch_trainer(recipe, data) for _ in range(2))
    plain._captured = plain._descend
    for _ in range(2):
        losses = [list(trainer.train_epoch())[-1][1] for trainer in (captured, plain)]
        assert losses[0] == pytest.approx(losses[1], rel=1e-4)

    expected = plain.network().named_arrays()
    for name, array in captured.network().named_arrays().items():
        np.testing.assert_allclose(array, expected[name], rtol=1e-2, atol=1e-3)


def test_each_replay_drops_different_neurons(few):
    recipe = BEST.model_copy(update={"dropout": 0.5})
    trainer = make_torch_trainer(recipe, few(640))
    list(trainer.train_epoch())
    inputs, labels = batch()
    runs = []
    for _ in range(2):
        torch.manual_seed(1)
        runs.append([float(trainer._step(inputs, labels, 0.0)) for _ in range(8)])

    assert len(set(runs[0])) == 8
    assert runs[1] == pytest.approx(runs[0], rel=1e-5)


@ALL
def test_a_training_resumes_from_its_state(few, recipe):
    data = few(1000)
    whole, second = (make_torch_trainer(recipe, data) for _ in range(2))
    list(whole.train_epoch())
    second.restore(whole.state())
    for trainer in (whole, second):
        list(trainer.train_epoch())

    expected = whole.network().named_arrays()
    for name, array in second.network().named_arrays().items():
        np.testing.assert_allclose(array, expected[name], rtol=1e-2, atol=1e-3)


@pytest.mark.parametrize("augmentation", ["none", "affine", "distort", "mirror-shift"])
@pytest.mark.parametrize(
    "layers",
    [
        [{"type": "dense", "neurons": 12}],
        [{"type": "convolution", "channels": 4, "kernel": 3}, {"type": "max-pool", "size": 2}],
    ],
    ids=["dense", "convolution"],
)
def test_the_device_gives_the_weights_of_the_cpu(few, monkeypatch, layers, augmentation):
    """It also augments like the CPU."""
    recipe = PLAIN.changed(layers=layers, augmentation=augmentation)
    data = few(1000)
    on_cuda = make_trainer(recipe, data)
    with monkeypatch.context() as hidden:
        hidden.setattr(torch.cuda, "is_available", lambda: False)
        on_cpu = make_trainer(recipe, data)
    assert (on_cuda.device, on_cpu.device) == ("cuda", "cpu")
    for trainer in (on_cuda, on_cpu):
        list(trainer.train_epoch())

    expected = on_cpu.network().named_arrays()
    for name, array in on_cuda.network().named_arrays().items():
        np.testing.assert_allclose(array, expected[name], rtol=1e-2, atol=1e-4)


def test_the_peak_is_device_memory_and_includes_the_data_set(few):
    data = few(1000)
    trainer = make_trainer(PLAIN, data)
    list(trainer.train_epoch())

    assert data.samples.nbytes < trainer.peak_memory() < 256 * 2**20
    assert trainer.computer().processor == torch.cuda.get_device_name()
    assert trainer.computer().instructions.startswith("sm_")


def test_a_full_device_is_explained(few):
    torch.cuda.empty_cache()
    total = torch.cuda.get_device_properties(0).total_memory
    torch.cuda.set_per_process_memory_fraction(50 * 2**20 / total)
    recipe = PLAIN.model_copy(update={"batch_size": 10_000, "hidden_sizes": (1024,) * 8})
    data = few(10_000)
    try:
        with pytest.raises(OutOfDeviceMemoryError, match=r"the device .* batch_size 10000 "):
            list(train(make_trainer(recipe, data), data))
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)
