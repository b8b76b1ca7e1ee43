import numpy as np
import pytest
import torch

from stepbox.training.loop import make_trainer
from stepbox.training.presets import RECIPES
from stepbox.training.schedule import rate_factors

STEPS = 200


@pytest.mark.parametrize("schedule", ["constant", "cosine", "one-cycle"])
def test_factors_do_not_depend_on_how_steps_are_grouped(schedule):
    whole = rate_factors(schedule, 0, STEPS, STEPS)

    assert (whole >= 0).all()
    assert whole.max() == pytest.approx(1)
    for step, count in ((0, 7), (50, 31), (193, 7)):
        np.testing.assert_array_equal(
            rate_factors(schedule, step, count, STEPS), whole[step : step + count]
        )


def test_the_cosine_schedule_equals_that_of_torch():
    parameter = torch.nn.Parameter(torch.zeros(1))
    optimizer = torch.optim.SGD([parameter], lr=1.0)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, STEPS)
    expected = []
    for _ in range(STEPS):
        expected.append(scheduler.get_last_lr()[0])
        optimizer.step()
        scheduler.step()

    np.testing.assert_allclose(rate_factors("cosine", 0, STEPS, STEPS), expected, atol=1e-12)


def test_one_cycle_rises_and_falls():
    factors = rate_factors("one-cycle", 0, STEPS, STEPS)
    top = int(factors.argmax())

    assert top == round(0.3 * STEPS)
    assert factors[0] == pytest.approx(1 / 25)
    assert (np.diff(factors[: top + 1]) > 0).all()
    assert (np.diff(factors[top:]) < 0).all()
    assert factors[-1] < 1e-3


@pytest.mark.parametrize("name", ["mnist-numpy", "fashion-mnist-torch"])
def test_steps_use_the_scheduled_rate(few, name):
    """Weights change in proportion to the rate, which is almost 0 at the end."""
    recipe = RECIPES[name].model_copy(
        update={"schedule": "cosine", "epochs": 1000, "batch_size": 50, "hidden_sizes": (5,)}
    )
    data = few(100)
    moved = []
    for epochs_done in (0, 500, 999):
        trainer = make_trainer(recipe, data)
        before = trainer.network().layers[0].weights
        trainer.epochs_done = epochs_done
        trainer.train_samples(np.arange(50))
        moved.append(np.abs(trainer.network().layers[0].weights - before).max())

    assert moved[1] == pytest.approx(0.5 * moved[0], rel=1e-2)
    assert moved[2] < 1e-4 * moved[0]
