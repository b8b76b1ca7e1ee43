"""The torch engine on a CUDA device."""

import numpy as np
import pytest
import torch

from stepbox.errors import OutOfDeviceMemoryError
from stepbox.recipes import RECIPES
from stepbox.torch_trainer import make_torch_trainer
from stepbox.training import make_trainer, train

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device is visible"),
]

PLAIN = RECIPES["fashion-mnist-torch"].model_copy(update={"epochs": 1, "hidden_sizes": (12, 11)})
BEST = RECIPES["fashion-mnist-torch-best"].model_copy(
    update={"epochs": 1, "hidden_sizes": (12, 11), "batch_size": 64}
)


@pytest.mark.parametrize("recipe", [PLAIN, BEST], ids=["formulas", "autograd"])
def test_no_step_waits_for_the_device(few, recipe):
    trainer = make_torch_trainer(recipe, few(640))
    list(trainer.train_epoch())
    inputs = torch.rand(64, 784, device="cuda")
    labels = torch.zeros(64, dtype=torch.long, device="cuda")
    torch.cuda.set_sync_debug_mode("error")
    try:
        losses = [trainer._descend(inputs, labels, 0.01) for _ in range(8)]
    finally:
        torch.cuda.set_sync_debug_mode("default")

    assert all(loss.device.type == "cuda" for loss in losses)


def test_the_device_descends_as_the_cpu_does(few, monkeypatch):
    data = few(1000)
    on_cuda = make_trainer(PLAIN, data)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    on_cpu = make_trainer(PLAIN, data)
    assert (on_cuda.device, on_cpu.device) == ("cuda", "cpu")
    for trainer in (on_cuda, on_cpu):
        list(trainer.train_epoch())

    expected = on_cpu.network().named_arrays()
    for name, array in on_cuda.network().named_arrays().items():
        np.testing.assert_allclose(array, expected[name], rtol=1e-2, atol=1e-4)


def test_the_peak_is_that_of_the_device_which_holds_the_set(few):
    data = few(1000)
    trainer = make_trainer(PLAIN, data)
    list(trainer.train_epoch())

    assert data.images.nbytes < trainer.peak_memory() < 100 * 2**20
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
            list(train(make_trainer(recipe, data), recipe, data))
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)
