import json

import pytest
from pydantic import ValidationError

from stepbox.data.builtin import MNIST
from stepbox.training.checks import TORCH_ONLY
from stepbox.training.descriptions import DESCRIPTIONS
from stepbox.training.presets import RECIPES
from stepbox.training.recipe import Recipe
from stepbox.training.request import TrainRequest


def faults_of(body):
    """Validate a request and the resulting recipe; both must report the same faults."""
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
def test_a_recipe_survives_a_round_trip_through_json(recipe):
    assert Recipe.model_validate_json(recipe.model_dump_json()) == recipe


@pytest.mark.parametrize("name", ["mnist-numpy", "mnist-numpy-published", "fashion-mnist-torch"])
def test_a_recipe_without_the_later_fields_keeps_its_meaning(name):
    later = set(Recipe.model_fields) - {
        *("name", "engine", "dataset", "hidden_sizes", "activation", "epochs", "learning_rate"),
        *("batch_size", "seed", "shuffle", "pixel_scale", "gradient"),
    }
    recipe = RECIPES[name]

    assert Recipe.model_validate_json(recipe.model_dump_json(exclude=later)) == recipe


@pytest.mark.parametrize(
    ("field", "value"),
    [("optimizer", "adamw"), ("dropout", 0.1), ("normalization", "batch")],
)
def test_what_only_torch_supports_is_rejected_for_numpy(field, value):
    # Batch normalization also requires a batch_size above 1, which this test is not about.
    body = {"recipe": "mnist-numpy", "batch_size": 32, field: value}

    assert list(faults_of(body)) == [field]
    assert "needs the torch engine" in faults_of(body)[field]
    assert TrainRequest.model_validate_json(json.dumps(body | {"engine": "torch"}))


def test_all_fields_that_only_torch_supports_are_reported_at_once():
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
def test_conflicts_and_values_out_of_range_are_rejected(body, field):
    assert field in faults_of({"recipe": "fashion-mnist-torch"} | body)


def test_both_engines_accept_the_best_mnist_recipe():
    request = TrainRequest.model_validate_json('{"recipe": "mnist-numpy-best", "engine": "torch"}')

    assert request.resolve(MNIST).augmentation == "distort"
