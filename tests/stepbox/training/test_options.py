"""Validation, early stopping, class weights, and trainings that continue a model."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from stepbox.data.dataset import Dataset
from stepbox.errors import InvalidInputError
from stepbox.nn.losses import cross_entropy
from stepbox.nn.network import Network
from stepbox.training.evaluation import dataset_logits
from stepbox.training.holdout import held_out_per_class, hold_out
from stepbox.training.loop import make_trainer, train
from stepbox.training.presets import RECIPES
from stepbox.training.report import HistoryEntry
from stepbox.training.torch_trainer import AutogradTrainer, FormulaTrainer
from tests.datasets import make_dataset

NUMPY = RECIPES["mnist-numpy"].changed(hidden_sizes=(8,), epochs=3)
TORCH = RECIPES["fashion-mnist-torch"].changed(hidden_sizes=(8,), epochs=3, dataset="mnist")
BEST = RECIPES["fashion-mnist-torch-best"].changed(
    hidden_sizes=(8,), epochs=3, dataset="mnist", normalization="none", dropout=0.1
)
LAYERS = [
    {"type": "convolution", "channels": 2, "kernel": 5, "stride": 4, "padding": 2},
    {"type": "max-pool", "size": 2},
    {"type": "dense", "neurons": 8},
]
CONVOLUTION, TORCH_CONVOLUTION = (recipe.changed(layers=LAYERS) for recipe in (NUMPY, BEST))
engines = pytest.mark.parametrize(
    "recipe",
    [NUMPY, TORCH, BEST, CONVOLUTION, TORCH_CONVOLUTION],
    ids=["numpy", "formulas", "auto", "numpy convolution", "torch convolution"],
)


def small_dataset(shape, **options):
    spec, arrays = make_dataset("small", shape, **options)
    return tuple(
        Dataset(spec, arrays[f"{split}-samples.npy"], arrays[f"{split}-labels.npy"])
        for split in ("train", "test")
    )


def epochs_of(events):
    return [event for event in events if isinstance(event, HistoryEntry)]


def weights_of(trainer):
    return {name: array.tobytes() for name, array in trainer.network().named_arrays().items()}


def figures_of(entries):
    return [entry.model_dump(exclude={"seconds"}) for entry in entries]


# Validation


@given(
    st.lists(st.integers(0, 5), min_size=1, max_size=80),
    st.floats(0, 0.5),
    st.integers(0, 2**32 - 1),
)
def test_the_share_of_each_class_is_held_out(labels, share, seed):
    labels = np.array(labels, np.uint16)
    trained, held_out = hold_out(labels, share, seed)

    assert sorted([*trained, *held_out]) == list(range(len(labels)))
    for label in set(labels.tolist()):
        count = int((labels == label).sum())
        held = int((labels[held_out] == label).sum())
        assert abs(held - share * count) <= 0.5
        assert held < count
    assert sum(held_out_per_class(share, np.bincount(labels))) == len(held_out)


def test_another_seed_holds_out_other_samples():
    labels = np.arange(300) % 3
    held = [hold_out(labels, 0.2, seed)[1].tolist() for seed in (1, 1, 2)]

    assert held[0] == held[1] != held[2]


@engines
def test_the_network_never_sees_what_is_held_out(few, recipe):
    """Other images in their place change the validation figures, but not the weights."""
    data, test = few(600), few(100)
    recipe = recipe.changed(validation=0.3, standardize=True, epochs=1)
    _, held_out = hold_out(data.labels, 0.3, recipe.seed)
    changed = data.samples.copy()
    changed[held_out] = 255 - changed[held_out]
    first, second = (
        make_trainer(recipe, Dataset(data.spec, samples, data.labels))
        for samples in (data.samples, changed)
    )
    figures = [epochs_of(train(trainer, test))[-1] for trainer in (first, second)]

    assert weights_of(first) == weights_of(second)
    assert figures[0].validation_loss != figures[1].validation_loss
    assert figures[0].test_loss == figures[1].test_loss


@engines
def test_the_validation_figures_are_those_of_the_held_out_samples(few, recipe):
    data = few(700)
    trainer = make_trainer(recipe.changed(validation=0.2, epochs=1), data)
    last = epochs_of(train(trainer, few(50)))[-1]
    held_out = Dataset(data.spec, data.samples[trainer.held_out], data.labels[trainer.held_out])
    logits = dataset_logits(trainer.network(), held_out, recipe.pixel_scale).astype(float)

    assert last.validation_loss == pytest.approx(cross_entropy(logits, held_out.labels).mean())
    assert last.validation_accuracy == (logits.argmax(1) == held_out.labels).mean()


def test_without_validation_its_figures_are_null(few):
    (entry,) = epochs_of(train(make_trainer(NUMPY.changed(epochs=1), few(50)), few(50)))[1:]

    assert (entry.validation_loss, entry.validation_accuracy) == (None, None)


def test_a_share_that_holds_out_nothing_is_rejected():
    data, _ = small_dataset((4,), train=9)
    recipe = RECIPES["mnist-numpy"].changed(validation=0.1)

    with pytest.raises(InvalidInputError, match="/validation"):
        recipe.fitted(data.spec)
    with pytest.raises(InvalidInputError, match="/validation"):
        make_trainer(recipe, data)
    assert recipe.changed(validation=0.4).fitted(data.spec).trained_samples(data.spec) == 6


# Early stopping


@pytest.mark.parametrize("patience", [1, 3])
def test_it_stops_after_so_many_epochs_without_a_lower_loss(few, patience):
    recipe = NUMPY.changed(validation=0.3, early_stopping=patience, epochs=60, learning_rate=0.3)
    entries = epochs_of(train(make_trainer(recipe, few(200)), few(50)))
    losses = [entry.validation_loss for entry in entries]
    best = min(range(len(losses)), key=lambda epoch: losses[epoch])

    assert len(losses) < 61
    assert len(losses) - 1 - best == patience
    for stop in range(1, len(losses)):  # and not before
        assert stop - 1 - int(np.argmin(losses[:stop])) < patience


@engines
def test_all_options_together_resume_to_the_same_weights(few, recipe):
    data, test = few(1500), few(50)
    recipe = recipe.changed(
        validation=0.25,
        early_stopping=1,
        class_weights="balanced",
        standardize=True,
        learning_rate=0.5 if recipe.engine == "numpy" else recipe.learning_rate,
        epochs=4,
    )
    whole = make_trainer(recipe, data)
    states, events = [], []
    for event in train(whole, test):
        events.append(event)
        states.append(whole.state())

    for position, state in enumerate(states):
        resumed = make_trainer(recipe, data)
        resumed.restore(state)
        entries = figures_of(epochs_of(train(resumed, test)))

        assert weights_of(resumed) == weights_of(whole)
        rest = events[position + 1 :] if state["position"].any() else events
        assert entries == figures_of(epochs_of(rest))


def test_early_stopping_needs_validation():
    with pytest.raises(ValidationError, match="needs validation above 0"):
        NUMPY.changed(early_stopping=3)


# Class weights


def test_balanced_weights_give_each_class_the_same_total():
    data, _ = small_dataset((4,), classes=4)
    labels = np.array([0] * 10 + [1] * 5 + [3] * 15)  # class 2 does not occur
    data = Dataset(data.spec, data.samples, labels)
    weights = make_trainer(RECIPES["mnist-numpy"].changed(class_weights="balanced"), data)
    totals = [weights.class_weights[label] * (labels == label).sum() for label in (0, 1, 3)]

    assert totals == pytest.approx([10, 10, 10])


@pytest.mark.parametrize("batch_size", [1, 7])
@pytest.mark.parametrize("shape", [(3,), (6, 6), (5, 4, 3)])
def test_the_weighted_compiled_form_equals_its_definition(shape, batch_size):
    data, _ = small_dataset(shape, train=40)
    data = data[:31]
    data.labels[:20] = 1
    recipe = NUMPY.changed(class_weights="balanced", batch_size=batch_size).fitted(data.spec)
    compiled, readable = (make_trainer(recipe, data, compiled=choice) for choice in (True, False))
    losses = [trainer.train_samples(np.arange(31))[0] for trainer in (compiled, readable)]

    np.testing.assert_allclose(*losses, rtol=1e-9)
    expected = readable.network().named_arrays()
    for name, array in compiled.network().named_arrays().items():
        np.testing.assert_allclose(array, expected[name], rtol=1e-9, atol=1e-9)


def test_a_weighted_step_follows_the_derivative_of_the_weighted_loss(few):
    """Central differences of the weighted mean loss, written out here."""
    data = few(30)
    recipe = NUMPY.changed(class_weights="balanced", batch_size=30, learning_rate=1.0)
    trainer = make_trainer(recipe, data)
    weights = trainer.class_weights[data.labels]
    inputs = data.samples.reshape(30, -1) / 255

    def loss(network):
        logits = network.logits(inputs)
        log_sums = np.log(np.exp(logits).sum(axis=1))
        return float((weights * (log_sums - logits[np.arange(30), data.labels])).mean())

    before = trainer.network()
    losses, _ = trainer.train_samples(np.arange(30))
    assert losses.mean() == pytest.approx(loss(before), rel=1e-12)
    after = trainer.network().named_arrays()
    rng = np.random.default_rng(0)
    for name, array in before.named_arrays().items():
        step = array - after[name]
        direction = rng.normal(size=array.shape)
        array += 1e-5 * direction
        above = loss(before)
        array -= 2e-5 * direction
        below = loss(before)
        array += 1e-5 * direction
        slope = (above - below) / 2e-5
        assert slope == pytest.approx(float((step * direction).sum()), rel=1e-6, abs=1e-8)


@pytest.mark.parametrize("kind", [FormulaTrainer, AutogradTrainer])
def test_both_engines_take_the_same_weighted_step(few, kind):
    data = few(64)
    recipe = TORCH.changed(class_weights="balanced", batch_size=64)
    start = make_trainer(recipe.changed(engine="numpy"), data).network()
    ours = kind(recipe, data, start)
    theirs = make_trainer(recipe.changed(engine="numpy"), data, start)
    losses = [trainer.train_samples(np.arange(64))[0] for trainer in (ours, theirs)]

    np.testing.assert_allclose(*losses, rtol=1e-4, atol=1e-6)
    expected = theirs.network().named_arrays()
    for name, array in ours.network().named_arrays().items():
        np.testing.assert_allclose(array, expected[name], rtol=1e-4, atol=1e-6)
        assert not np.array_equal(array, start.named_arrays()[name].astype(np.float32))


# Continuing a model


@engines
@pytest.mark.parametrize("standardize", [False, True])
def test_the_function_of_a_model_is_kept(few, recipe, standardize):
    data, test = few(500), few(300)
    recipe = recipe.changed(standardize=standardize)
    model = make_trainer(recipe, data)
    last = epochs_of(train(model, test))[-1]
    more = few(900)[100:]  # other samples, so another standardization
    first = next(train(make_trainer(recipe, more, model.network()), test))

    assert first.epoch == 0
    assert first.test_accuracy == last.test_accuracy
    assert first.test_loss == pytest.approx(last.test_loss, rel=1e-6)
    if not standardize:
        assert first.test_loss == last.test_loss


@pytest.mark.parametrize(
    ("first", "second"), [(CONVOLUTION, TORCH_CONVOLUTION), (TORCH_CONVOLUTION, CONVOLUTION)]
)
def test_a_convolution_continues_in_the_other_engine(few, first, second):
    """With padding, which is black in both, and other samples, so another standardization."""
    test, fields = few(300), {"standardize": True, "activation": "relu", "epochs": 1}
    model = make_trainer(first.changed(**fields), few(500))
    last = epochs_of(train(model, test))[-1]
    start = next(train(make_trainer(second.changed(**fields), few(300), model.network()), test))

    assert start.test_loss == pytest.approx(last.test_loss, rel=1e-5)


def test_a_last_layer_for_other_classes_is_drawn_by_the_seed():
    old, _ = small_dataset((6, 6), classes=3)
    new, _ = small_dataset((6, 6), classes=5)
    start = make_trainer(NUMPY, old).network()
    recipe = NUMPY.changed(seed=7)
    arrays = make_trainer(recipe, new, start).network().named_arrays()
    drawn = Network.initial(recipe.layer_specs(new.spec), 7).named_arrays()

    for name in ("0.weight", "0.bias"):
        np.testing.assert_array_equal(arrays[name], start.named_arrays()[name])
    for name in ("1.weight", "1.bias"):
        np.testing.assert_array_equal(arrays[name], drawn[name])


def test_the_model_to_continue_is_not_changed(few):
    start = make_trainer(NUMPY, few(10)).network()
    before = {name: array.tobytes() for name, array in start.named_arrays().items()}
    list(make_trainer(NUMPY.changed(standardize=True), few(50), start).train_epoch())

    assert {name: array.tobytes() for name, array in start.named_arrays().items()} == before


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"hidden_sizes": (9,)}, r"hidden_sizes \[8\] .* hidden_sizes \[9\]"),
        ({"activation": "relu"}, "activation sigmoid.* activation relu"),
        ({"pixel_scale": "raw"}, r"\(unit\).*\(raw\)"),
        ({"layers": LAYERS[1:]}, r'layers \[{"type": "dense", "neurons": 8}\] .* "max-pool"'),
    ],
)
def test_what_differs_from_the_model_is_named(few, change, words):
    spec = few(1).spec
    model = NUMPY.changed(activation="sigmoid")

    model.check_start(spec, model, spec)
    with pytest.raises(InvalidInputError, match=f"/from_model.*{words}"):
        model.changed(**change).check_start(spec, model, spec)


def test_hidden_sizes_and_layers_can_name_the_same_network(few):
    spec = few(1).spec
    dense = NUMPY.changed(layers=[{"type": "dense", "neurons": 8}])

    assert dense.hidden_sizes is None
    for one, other in ((dense, NUMPY), (NUMPY, dense)):
        one.check_start(spec, other, spec)
        trained = make_trainer(one, few(20), make_trainer(other, few(20)).network())
        assert weights_of(trained) == weights_of(make_trainer(other, few(20)))


def test_each_option_of_a_layer_must_be_the_models(few):
    spec = few(1).spec
    for name in ("channels", "kernel", "stride", "padding"):
        layers = [{**LAYERS[0], name: LAYERS[0][name] + 1}, *LAYERS[1:]]
        with pytest.raises(InvalidInputError, match=f'"{name}": {LAYERS[0][name]}\\b.*same'):
            CONVOLUTION.changed(layers=layers).check_start(spec, CONVOLUTION, spec)


def test_other_inputs_than_the_models_are_named(few):
    color, _ = small_dataset((5, 4, 3))
    with pytest.raises(InvalidInputError, match=r"\[28, 28\].*\[5, 4, 3\]"):
        NUMPY.check_start(color.spec, NUMPY, few(1).spec)


def test_a_model_has_no_batch_normalization_to_continue():
    with pytest.raises(ValidationError, match="with from_model, this must be none"):
        RECIPES["fashion-mnist-torch-best"].changed(from_model="m-000000000000")
