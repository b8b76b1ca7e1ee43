"""Search spaces: what may vary, which values are tried, and what is rejected."""

import pytest
from pydantic import ValidationError

from stepbox.data.builtin import MNIST
from stepbox.errors import InvalidInputError
from stepbox.training.presets import RECIPES
from stepbox.training.recipe import Recipe
from stepbox.training.space import MOST_CORNERS, VARIED, Space
from stepbox.training.sweep import Search, SweepRequest, Trial, best_of

RECIPE = RECIPES["mnist-numpy"].changed(validation=0.1)
RATES = {"low": 0.1, "high": 0.3, "step": 0.1}
SIZES = {"count": {"low": 0, "high": 2}, "size": {"low": 16, "high": 32, "step": 8}}


def space(**fields):
    return Space.model_validate(fields)


def faults_of(space, recipe=RECIPE):
    with pytest.raises(InvalidInputError) as caught:
        space.check(recipe, MNIST)
    return dict(caught.value.faults)


def test_all_fields_but_those_that_say_what_is_compared_may_vary():
    fixed = {"name", "engine", "dataset", "seed", "pixel_scale", "validation", "early_stopping"}
    assert {*VARIED} == {*Recipe.model_fields} - fixed - {"from_model"}


def test_a_grid_has_each_point_once():
    grid = space(learning_rate=RATES, hidden_sizes=SIZES, activation={"choices": ["relu", "tanh"]})
    grid.check(RECIPE, MNIST)
    assert grid.grid_size == 3 * (1 + 3 + 9) * 2
    points = [grid.grid_point(number) for number in range(grid.grid_size)]
    assert len({str(point) for point in points}) == grid.grid_size
    assert points[0] == {"learning_rate": 0.1, "hidden_sizes.count": 0, "activation": "relu"}
    assert points[1]["activation"] == "tanh"
    assert points[-1] == {
        "learning_rate": 0.3,  # not 0.30000000000000004
        "hidden_sizes.count": 2,
        "hidden_sizes.0": 32,
        "hidden_sizes.1": 32,
        "activation": "tanh",
    }
    assert grid.changes(points[-1]) == {
        "learning_rate": 0.3,
        "hidden_sizes": [32, 32],
        "activation": "tanh",
    }


def test_a_huge_grid_takes_no_memory():
    grid = space(
        hidden_sizes={"count": {"low": 1, "high": 8}, "size": {"low": 1, "high": 1024}},
        learning_rate={"low": 0.0, "high": 0.9, "step": 1e-6},
    )
    assert grid.grid_size > 10**29
    assert grid.grid_point(1024 + 5 * 1024 + 7) == {
        "learning_rate": 0.0,
        "hidden_sizes.count": 2,
        "hidden_sizes.0": 6,
        "hidden_sizes.1": 8,
    }
    assert grid.grid_point(grid.grid_size - 1)["learning_rate"] == 0.9


def test_a_grid_needs_steps():
    with pytest.raises(InvalidInputError) as caught:
        space(learning_rate={"low": 0.1, "high": 0.2}, epochs={"low": 1, "high": 3}).check_grid()
    assert [fault.pointer for fault in caught.value.faults] == ["/space/learning_rate/step"]


def test_only_layers_that_exist_are_asked_for():
    asked = []

    def ask(name, domain):
        asked.append(name)
        return domain.high

    assert space(hidden_sizes=SIZES).sample(ask)["hidden_sizes.1"] == 32
    assert asked == ["hidden_sizes.count", "hidden_sizes.0", "hidden_sizes.1"]


@pytest.mark.parametrize(
    ("fields", "place", "words"),
    [
        ({}, (), "names no field to vary"),
        ({"validation": RATES}, ("validation",), "cannot vary: "),
        ({"learning_rate": {"low": 1, "high": 1}}, ("learning_rate",), "low must be below high"),
        ({"learning_rate": {"low": 0, "high": 1, "log": True}}, ("learning_rate",), "above 0"),
        ({"learning_rate": RATES | {"log": True}}, ("learning_rate",), "cannot be combined"),
        ({"learning_rate": RATES | {"step": 0.15}}, ("learning_rate",), "a multiple of step"),
        ({"learning_rate": RATES | {"step": 1e-300}}, ("learning_rate",), "at most 1,000,000"),
        ({"learning_rate": {"count": 1}}, ("learning_rate",), "low and high, or with choices"),
        ({"hidden_sizes": RATES}, ("hidden_sizes",), "count and size, or with choices"),
        ({"batch_size": {"low": 1, "high": 2.5}}, ("batch_size", "high"), "valid integer"),
        ({"activation": {"choices": ["relu"]}}, ("activation", "choices"), "at least 2"),
        ({"shuffle": {"choices": [True, True]}}, ("shuffle",), "must be different"),
        (
            {"hidden_sizes": SIZES | {"count": {"low": -1, "high": 1}}},
            ("hidden_sizes",),
            "at least 0",
        ),
        (
            {"hidden_sizes": SIZES, "layers": {"choices": [[], [{"type": "dense", "neurons": 2}]]}},
            (),
            "only one of hidden_sizes and layers",
        ),
    ],
)
def test_what_is_no_space_is_rejected_at_its_place(fields, place, words):
    with pytest.raises(ValidationError) as caught:
        SweepRequest.model_validate({"space": fields})
    (fault,) = caught.value.errors()
    assert fault["loc"] == ("space", *place)
    assert words in fault["msg"]


def test_values_that_a_recipe_cannot_have_are_named():
    wrong = space(
        learning_rate={"low": 0, "high": 20},
        hidden_sizes={"choices": [[32], [5000], "wide"]},
    )
    faults = faults_of(wrong)
    assert faults.keys() == {
        *("/space/learning_rate/low", "/space/learning_rate/high"),
        *("/space/hidden_sizes/choices/1", "/space/hidden_sizes/choices/2"),
    }
    assert faults["/space/learning_rate/high"] == "20: Enter a number above 0, up to 10"


@pytest.mark.parametrize(
    ("fields", "pointer", "words"),
    [
        (
            {"optimizer": {"choices": ["sgd", "adamw"]}},
            "/space/optimizer",
            'with optimizer "adamw": The optimizer adamw needs the torch engine',
        ),
        (
            {"batch_size": {"low": 1, "high": 8}, "gradient": {"choices": ["exact", "published"]}},
            "/space/gradient",
            'with batch_size 8 and gradient "published": The published gradient needs a batch size',
        ),
        (
            {"layers": {"choices": [[], [{"type": "max-pool", "size": 8}] * 2]}},
            "/space/layers/choices/1",
            "does not fit",
        ),
    ],
)
def test_combinations_that_conflict_are_named(fields, pointer, words):
    faults = faults_of(space(**fields))
    assert words in faults[pointer]


def test_fields_may_depend_on_each_other():
    recipe = RECIPES["fashion-mnist-torch"].changed(validation=0.1)
    both = space(weight_decay={"low": 0.0, "high": 0.1}, optimizer={"choices": ["adamw", "sgd"]})
    assert "/space/weight_decay" in faults_of(both, recipe)
    space(weight_decay={"low": 0.0, "high": 0.1}).check(recipe.changed(optimizer="adamw"), MNIST)


def test_a_trial_of_a_model_that_is_continued_keeps_its_layers():
    faults = faults_of(space(hidden_sizes=SIZES), RECIPE.changed(from_model="m-1"))
    assert "/space/hidden_sizes" in faults


def test_the_number_of_choices_is_limited():
    many = {name: {"choices": [*range(1, 17)]} for name in ("epochs", "batch_size")}
    many |= {"learning_rate": {"choices": [rate / 100 for rate in range(1, 17)]}}
    many |= {"hidden_sizes": {"choices": [[size] for size in range(1, 17)]}}
    space(**many).check(RECIPE, MNIST)
    more = space(**many, shuffle={"choices": [True, False]})
    assert str(MOST_CORNERS) in faults_of(more)["/space"]


def test_the_number_of_epochs_is_limited():
    search = Search(space=space(epochs={"low": 1, "high": 1000}), trials=51)
    with pytest.raises(InvalidInputError, match="50,000 epochs") as caught:
        search.check(RECIPE, MNIST)
    assert caught.value.faults[0].pointer == "/trials"


def test_a_sweep_is_validated_and_early_stopping_needs_no_more():
    request = SweepRequest.model_validate(
        {"space": {"learning_rate": RATES}, "early_stopping": 2, "epochs": 9}
    )
    recipe = request.resolve(MNIST)
    assert (recipe.validation, recipe.early_stopping, recipe.epochs) == (0.1, 2, 9)
    winner = request.search.winner_recipe(recipe, {"learning_rate": 0.2}, 4)
    assert winner == recipe.changed(
        learning_rate=0.2, validation=0.0, early_stopping=None, epochs=4
    )
    with pytest.raises(ValidationError):
        SweepRequest.model_validate({"space": {"learning_rate": RATES}, "validation": 0})


def test_a_search_is_read_as_it_was_written():
    search = Search(space=space(learning_rate=RATES, hidden_sizes=SIZES), sampler="grid")
    text = search.model_dump_json()
    assert "null" not in text
    assert Search.model_validate_json(text) == search
    assert search.total == 20


@pytest.mark.parametrize(("metric", "best"), [("validation_loss", 1), ("validation_accuracy", 2)])
def test_the_best_trial_is_the_first_complete_one_with_the_best_value(metric, best):
    search = Search(space=space(learning_rate=RATES), metric=metric)
    values = [(0.4,), (0.5, 0.2), (0.1, 0.9), (0.2,), (0.9,), (0.01,)]
    states = ["complete"] * 5 + ["pruned"]
    trials = [
        Trial(number=number, job="j", params={}, state=state, values=its)
        for number, (state, its) in enumerate(zip(states, values, strict=True))
    ]
    assert best_of(search, trials).number == best
    assert best_of(search, trials[5:]) is None


def test_only_the_trials_that_a_grid_has_count():
    values = {"learning_rate": {"choices": [0.1, 0.2]}}
    Search(space=space(**values), trials=500, sampler="grid").check(
        RECIPE.changed(epochs=1000, validation=0.1), MNIST
    )


def test_asha_asks_only_at_its_rungs():
    def asked(pruner):
        search = Search(space=space(learning_rate=RATES), pruner=pruner)
        return [epoch for epoch in range(18) if search.asks_after(epoch)]

    assert (asked("none"), asked("asha")) == ([], [1, 4, 16])
    assert asked("median")[1:] == [*range(1, 18)]


@pytest.mark.parametrize(
    ("space_fields", "batch_size", "pointer"),
    [
        ({"learning_rate": RATES}, 16, "/batch_size"),
        ({"batch_size": {"choices": [17, 16]}}, 17, "/space/batch_size/choices/1"),
        ({"batch_size": {"choices": [16, 17]}}, 16, "/space/batch_size/choices/0"),
    ],
)
def test_the_winner_must_have_a_valid_recipe_too(space_fields, batch_size, pointer):
    """In batches of 16, all 10,001 samples leave one, but the 9,001 of a trial do not."""
    classes = (1001, *[1000] * 9)
    train = MNIST.train.model_copy(update={"samples": 10_001, "per_class": classes})
    spec = MNIST.model_copy(update={"train": train})
    recipe = RECIPES["fashion-mnist-torch"].changed(
        dataset="mnist", augmentation="none", normalization="batch", validation=0.1
    )
    search = Search(space=space(**space_fields))
    with pytest.raises(InvalidInputError) as caught:
        search.check(recipe.changed(batch_size=batch_size), spec)
    ((place, detail),) = caught.value.faults
    assert place == pointer
    assert detail.startswith("for the winner, on all training samples: ")
    assert "leaves one sample" in detail
