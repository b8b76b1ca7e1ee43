import json

import pytest
from pydantic import ValidationError

from stepbox.training.presets import RECIPES
from stepbox.training.recipe import DESCRIPTIONS, TORCH_ONLY, Recipe
from stepbox.training.request import TrainRequest


def faults_of(body):
    """Validate a request, and the recipe that it means: both must name the same faults."""
    named = RECIPES[body["recipe"]].model_dump(mode="json")
    changes = {name: value for name, value in body.items() if name != "recipe"}
    found = []
    for model, fields in ((TrainRequest, body), (Recipe, named | changes)):
        with pytest.raises(ValidationError) as caught:
            model.model_validate_json(json.dumps(fields))
        found.append({fault["loc"][0]: fault["msg"] for fault in caught.value.errors()})
    assert found[0] == found[1]
    return found[0]


def test_every_named_recipe_has_a_description():
    assert list(RECIPES) == list(DESCRIPTIONS)


@pytest.mark.parametrize("recipe", RECIPES.values(), ids=RECIPES.keys())
def test_a_recipe_is_read_as_it_was_written(recipe):
    assert Recipe.model_validate_json(recipe.model_dump_json()) == recipe


@pytest.mark.parametrize("name", ["mnist-numpy", "mnist-numpy-published", "fashion-mnist-torch"])
def test_a_recipe_of_before_the_later_fields_reads_as_what_it_meant(name):
    later = set(Recipe.model_fields) - {
        *("name", "engine", "dataset", "hidden_sizes", "activation", "epochs", "learning_rate"),
        *("batch_size", "seed", "shuffle", "pixel_scale", "gradient"),
    }
    recipe = RECIPES[name]

    assert Recipe.model_validate_json(recipe.model_dump_json(exclude=later)) == recipe


@pytest.mark.parametrize(
    ("field", "value"),
    [("optimizer", "adamw"), ("dropout", 0.1), ("normalization", "batch"), ("standardize", True)],
)
def test_what_the_numpy_engine_cannot_do_is_refused(field, value):
    # A batch normalization wants batches, too, which is not the point here.
    body = {"recipe": "mnist-numpy", "batch_size": 32, field: value}

    assert list(faults_of(body)) == [field]
    assert "'torch' only" in faults_of(body)[field]
    assert TrainRequest.model_validate_json(json.dumps(body | {"engine": "torch"}))


def test_all_that_the_numpy_engine_cannot_do_is_told_at_once():
    faults = faults_of({"recipe": "fashion-mnist-torch-best", "engine": "numpy"})

    assert set(faults) == set(TORCH_ONLY)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"weight_decay": 0.1}, "weight_decay"),
        ({"normalization": "batch", "batch_size": 1}, "batch_size"),
        ({"gradient": "published"}, "gradient"),
        ({"dropout": 0.95}, "dropout"),
        ({"weight_decay": -1}, "weight_decay"),
        ({"schedule": "linear"}, "schedule"),
        ({"augmentation": True}, "augmentation"),
        ({"standardize": 1}, "standardize"),
        ({"initialization": "zero"}, "initialization"),
    ],
)
def test_what_does_not_go_together_or_is_out_of_range(body, field):
    assert field in faults_of({"recipe": "fashion-mnist-torch"} | body)


def test_either_engine_takes_the_best_recipe_of_mnist():
    request = TrainRequest.model_validate_json('{"recipe": "mnist-numpy-best", "engine": "torch"}')

    assert request.resolve().augmentation == "distort"
