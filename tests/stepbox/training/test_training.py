"""`train` with both engines: events, figures on the real data, determinism, resumption."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepbox.errors import DivergedError
from stepbox.training import loop
from stepbox.training.course import visiting_order
from stepbox.training.loop import make_trainer, train
from stepbox.training.numpy_trainer import NumpyTrainer
from stepbox.training.presets import RECIPES
from stepbox.training.report import HistoryEntry, LossEntry, Progress
from stepbox.training.torch_trainer import TorchTrainer

SMALL = {"epochs": 2, "dataset": "mnist", "shuffle": True, "hidden_sizes": (8,)}
LAYERS = [
    {"type": "convolution", "channels": 2, "kernel": 5, "stride": 4, "padding": 2},
    {"type": "max-pool", "size": 2},
    {"type": "dense", "neurons": 6},
]
SMALL_RECIPES = {
    "numpy": RECIPES["mnist-numpy"].model_copy(update=SMALL),
    "numpy, batches": RECIPES["mnist-numpy"].model_copy(update=SMALL | {"batch_size": 300}),
    "published": RECIPES["mnist-numpy-published"].model_copy(update=SMALL),
    "torch": RECIPES["fashion-mnist-torch"].model_copy(update=SMALL),
    "torch, no hidden layer": RECIPES["fashion-mnist-torch"].model_copy(
        update=SMALL | {"hidden_sizes": ()}
    ),
    "numpy, distorted": RECIPES["mnist-numpy-best"].model_copy(update=SMALL),
    "torch, all that it can": RECIPES["fashion-mnist-torch-best"].model_copy(
        update=SMALL | {"hidden_sizes": (8, 7)}
    ),
    "numpy, convolution": RECIPES["mnist-numpy-convolution"].changed(
        **SMALL | {"hidden_sizes": None}, layers=LAYERS
    ),
    "numpy, convolution, published": RECIPES["mnist-numpy-published"].changed(
        **SMALL | {"hidden_sizes": None}, layers=LAYERS
    ),
    "torch, convolution": RECIPES["mnist-torch-convolution"].changed(
        **SMALL | {"hidden_sizes": None}, layers=LAYERS
    ),
}

small_recipes = pytest.mark.parametrize("recipe", SMALL_RECIPES.values(), ids=SMALL_RECIPES.keys())


def weights_of(trainer):
    return {name: array.tobytes() for name, array in trainer.network().named_arrays().items()}


def losses_of(events):
    return [event for event in events if isinstance(event, LossEntry)]


def epochs_of(events):
    return [event for event in events if isinstance(event, HistoryEntry)]


# Recipes on the real data


@pytest.mark.slow
def test_the_published_recipe_gives_the_published_figures(trained):
    untrained, first = epochs_of(trained("mnist-numpy-published", 1)[1])

    assert round(untrained.test_accuracy * 10_000) == 994
    assert round(first.test_accuracy * 10_000) == 8023
    assert round(untrained.test_loss, 2) == 2.36
    assert round(first.test_loss, 2) == 0.63


@pytest.mark.slow
def test_the_true_gradient_is_more_accurate(trained):
    _, first = epochs_of(trained("mnist-numpy", 1)[1])

    assert first.test_accuracy >= 0.93
    assert first.train_loss == pytest.approx(0.375, abs=0.01)


@pytest.mark.slow
def test_the_torch_recipe_follows_the_published_curve(trained):
    untrained, first, second = epochs_of(trained("fashion-mnist-torch", 2)[1])

    assert untrained.train_loss is None
    assert first.train_loss == pytest.approx(1.83, abs=0.05)
    assert first.test_loss == pytest.approx(1.07, abs=0.05)
    assert second.train_loss == pytest.approx(0.858, abs=0.05)
    assert second.test_accuracy > first.test_accuracy > 0.5 > untrained.test_accuracy


# Events


@small_recipes
def test_events_report_the_whole_training(few, recipe):
    samples = 2500
    events = list(train(make_trainer(recipe, few(samples)), few(500)))
    epochs = epochs_of(events)
    progress = [event for event in events if isinstance(event, Progress)]

    assert isinstance(events[0], HistoryEntry)
    assert [epoch.epoch for epoch in epochs] == [0, 1, 2]
    assert (epochs[0].train_loss, epochs[0].seconds) == (None, 0)
    assert all(epoch.train_loss > 0 and epoch.seconds > 0 for epoch in epochs[1:])
    assert all(0 <= epoch.test_accuracy <= 1 and epoch.test_loss > 0 for epoch in epochs)

    seen = [event.samples for event in progress]
    assert seen == sorted(seen)
    assert (seen[0], seen[-1]) == (0, 2 * samples)
    assert max(np.diff(seen)) <= max(1200, recipe.batch_size)
    assert {event.samples_total for event in progress} == {2 * samples}
    assert all(event.fraction == event.samples / (2 * samples) for event in progress)
    assert all(event.epochs == 2 for event in progress)
    assert progress[0].eta_seconds is None
    assert all(event.eta_seconds > 0 for event in progress[1:-1])
    assert progress[-1].eta_seconds == 0
    assert events[-1] == epochs[-1]
    for event in progress:
        assert (event.epoch - 1) * samples <= event.samples <= event.epoch * samples


@small_recipes
@pytest.mark.parametrize("most", [600, 4, 3, 1])
def test_losses_cover_all_samples_and_are_few(few, recipe, most, monkeypatch):
    """Their mean, weighted by the samples of each, is that of the epochs."""
    monkeypatch.setattr(loop, "MOST_LOSSES", most)
    samples = 2500
    events = list(train(make_trainer(recipe, few(samples)), few(100)))
    losses = losses_of(events)

    assert 1 <= len(losses) <= most
    assert losses[-1].samples == 2 * samples
    steps = np.diff([0, *(loss.samples for loss in losses)])
    assert min(steps) > 0
    if most == 600:
        assert max(steps) <= 1200
    total = sum(step * loss.train_loss for step, loss in zip(steps, losses, strict=True))
    means = [epoch.train_loss for epoch in epochs_of(events)[1:]]
    assert total / (2 * samples) == pytest.approx(np.mean(means), rel=1e-12)


@pytest.mark.parametrize("name", ["numpy", "torch"])
def test_the_train_loss_is_measured_before_each_update(few, name):
    """With tiny steps, it equals the loss of the untrained network."""
    recipe = SMALL_RECIPES[name].model_copy(update={"learning_rate": 1e-12, "epochs": 1})
    data = few(1500)
    untrained, first = epochs_of(train(make_trainer(recipe, data), data))

    assert first.train_loss == pytest.approx(untrained.test_loss, rel=1e-5)


def test_an_engine_without_a_trainer_is_not_replaced_by_another(few):
    recipe = SMALL_RECIPES["numpy"].model_copy(update={"engine": "none such"})
    with pytest.raises(AssertionError, match="none such"):
        make_trainer(recipe, few(10))


@small_recipes
@pytest.mark.parametrize("portions_done", [0, 1])
def test_a_diverged_training_raises(few, recipe, portions_done):
    """It raises when it evaluates the untrained network, and in the middle of an epoch."""
    trainer = make_trainer(recipe, few(2000))
    arrays = trainer.arrays()
    for array in arrays.values():
        if array.dtype.kind == "f":  # products overflow to infinity, and their sums to nan
            array[...] = np.finfo(array.dtype).max
    trainer.set_arrays(arrays)
    trainer.samples_done = portions_done * trainer.portion

    with pytest.raises(DivergedError, match="choose a smaller learning_rate"):
        list(train(trainer, few(100)))


@small_recipes
def test_a_weight_that_is_not_a_number_is_found_although_relu_hides_it(few, recipe):
    data = few(300)
    trainer = make_trainer(recipe.changed(epochs=1), data)
    arrays = trainer.arrays()
    next(array for array in arrays.values() if array.dtype.kind == "f").flat[0] = np.nan
    trainer.set_arrays(arrays)

    with pytest.raises(DivergedError):
        list(train(trainer, data))


# Determinism and resumption


@small_recipes
def test_the_same_seed_gives_the_same_weights_byte_for_byte(few, recipe):
    first, second, other = (
        make_trainer(recipe.model_copy(update={"seed": seed}), few(1200)) for seed in (5, 5, 6)
    )
    assert weights_of(first) == weights_of(second) != weights_of(other)

    for trainer in (first, second, other):
        list(trainer.train_epoch())

    assert weights_of(first) == weights_of(second) != weights_of(other)


@small_recipes
@pytest.mark.parametrize("most_losses", [600, 2])
def test_an_interrupted_training_resumes_to_the_same_weights(few, recipe, most_losses, monkeypatch):
    monkeypatch.setattr(loop, "MOST_LOSSES", most_losses)
    data, test = few(2500), few(200)
    whole = make_trainer(recipe, data)
    states, undisturbed = [], []
    for event in train(whole, test):
        undisturbed.append(event)
        states.append(whole.state())

    for position, state in enumerate(states):
        resumed = make_trainer(recipe, data)
        resumed.restore(state)
        events = list(train(resumed, test))

        assert weights_of(resumed) == weights_of(whole)
        assert losses_of(events) == losses_of(undisturbed[position + 1 :])
        left = [(e.epoch, e.train_loss, e.test_loss) for e in epochs_of(events)]
        # If nothing was trained before, the first event is again the untrained network's entry.
        trained = state["position"].any()
        expected = epochs_of(undisturbed[position + 1 :] if trained else undisturbed)
        assert left == [(e.epoch, e.train_loss, e.test_loss) for e in expected]


def test_a_mean_loss_that_is_not_known_is_left_out(few, monkeypatch):
    """The checkpoints of earlier versions do not have the losses since the last entry."""
    monkeypatch.setattr(loop, "MOST_LOSSES", 2)
    data = few(2500)
    whole = make_trainer(SMALL_RECIPES["numpy"], data)
    events = iter(train(whole, data))
    next(event for event in events if isinstance(event, Progress) and event.samples == 1000)
    state = whole.state()
    del state["recent"]
    resumed = make_trainer(SMALL_RECIPES["numpy"], data)
    resumed.restore(state)

    first, second = losses_of(events)
    assert (first.samples, second.samples) == (2500, 5000)
    assert losses_of(train(resumed, data)) == [second]


def test_a_state_does_not_change_with_the_training(few):
    trainer = make_trainer(SMALL_RECIPES["numpy"], few(1000))
    state = trainer.state()
    before = {name: array.tobytes() for name, array in state.items()}
    list(trainer.train_epoch())

    assert {name: array.tobytes() for name, array in state.items()} == before
    assert trainer.state()["parameters"].tobytes() != before["parameters"]


@given(seed=st.integers(0, 2**32 - 1), epoch=st.integers(1, 1000), samples=st.integers(1, 300))
def test_a_shuffled_epoch_visits_every_sample_once(seed, epoch, samples):
    recipe = SMALL_RECIPES["numpy"].model_copy(update={"seed": seed})
    order = visiting_order(recipe, epoch, samples)

    assert sorted(order) == list(range(samples))
    np.testing.assert_array_equal(order, visiting_order(recipe, epoch, samples))


def test_each_epoch_and_seed_has_a_different_order():
    orders = {
        visiting_order(
            SMALL_RECIPES["numpy"].model_copy(update={"seed": seed}), epoch, 100
        ).tobytes()
        for seed in range(3)
        for epoch in range(1, 4)
    }

    assert len(orders) == 9


def test_without_shuffling_the_order_is_the_data_sets_own():
    np.testing.assert_array_equal(visiting_order(RECIPES["mnist-numpy"], 2, 50), range(50))


def test_the_recipe_determines_the_engine(few):
    assert isinstance(make_trainer(SMALL_RECIPES["numpy"], few(10)), NumpyTrainer)
    assert isinstance(make_trainer(SMALL_RECIPES["torch"], few(10)), TorchTrainer)
