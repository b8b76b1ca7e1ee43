import json

import pytest
from pydantic import ValidationError

from stepbox.data.builtin import MNIST
from stepbox.errors import InvalidInputError
from stepbox.nn.network import Network
from stepbox.training.checks import TORCH_ONLY
from stepbox.training.descriptions import DESCRIPTIONS
from stepbox.training.presets import RECIPES
from stepbox.training.recipe import Recipe
from stepbox.training.request import TrainRequest
from stepbox.training.trainer import out_of_memory
from tests.datasets import make_dataset


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


# Layers

CONVOLUTION = {"type": "convolution", "channels": 8, "kernel": 5}
POOL = {"type": "max-pool", "size": 2}


def resolved(layers, spec=MNIST, **fields):
    return TrainRequest.model_validate({"layers": layers, **fields}).resolve(spec)


def refused(layers, spec=MNIST):
    with pytest.raises(InvalidInputError) as caught:
        resolved(layers, spec)
    return [tuple(fault) for fault in caught.value.faults]


def shapes(recipe, spec=MNIST):
    return [layer.output_shape for layer in recipe.layer_specs(spec)]


def dataset(shape, classes=3):
    return make_dataset("own", shape, classes=classes)[0]


def test_layers_replace_hidden_sizes_and_the_reverse():
    recipe = resolved([CONVOLUTION, POOL])
    assert recipe.hidden_sizes is None
    assert recipe.changed(hidden_sizes=[4]).layers is None
    assert recipe.changed(epochs=9).layers == recipe.layers
    assert RECIPES["mnist-numpy"].changed(layers=[]).hidden_sizes is None


@pytest.mark.parametrize("body", [{"layers": [], "hidden_sizes": [4]}, {"hidden_sizes": None}])
def test_exactly_one_of_layers_and_hidden_sizes_is_needed(body):
    assert faults_of({"recipe": "mnist-numpy"} | body) == {
        "layers": "Exactly one of layers and hidden_sizes must be given, not null"
    }


def test_options_that_are_omitted_have_the_documented_values():
    recipe = resolved(
        [CONVOLUTION, {"type": "max-pool", "size": 3}, {"type": "dense", "neurons": 9}]
    )

    assert recipe.model_dump(mode="json")["layers"] == [
        {"type": "convolution", "channels": 8, "kernel": 5, "stride": 1, "padding": 0},
        {"type": "max-pool", "size": 3, "stride": 3},
        {"type": "dense", "neurons": 9},
    ]
    assert shapes(recipe) == [(24, 24, 8), (8, 8, 8), (9,), (10,)]
    assert Recipe.model_validate_json(recipe.model_dump_json()) == recipe


def test_the_activation_function_follows_convolutions_and_dense_layers():
    recipe = resolved([CONVOLUTION, POOL, {"type": "dense", "neurons": 9}], activation="gelu")
    network = Network.initial(recipe.layer_specs(MNIST), 1)

    names = [layer.activation.name for layer in network.layers]
    assert names == ["gelu", "identity", "gelu", "identity"]


@pytest.mark.parametrize(
    ("shape", "expected"),
    [((32, 32, 3), [(28, 28, 8), (14, 14, 8), (3,)]), ((20, 31), [(16, 27, 8), (8, 13, 8), (3,)])],
)
def test_layers_fit_images_of_any_size(shape, expected):
    spec = dataset(shape)
    recipe = resolved([CONVOLUTION, POOL], spec)

    assert shapes(recipe, spec) == expected
    assert recipe.layer_specs(spec)[0].parameters == 8 * (25 * shape[2] + 1 if shape[2:] else 26)


@pytest.mark.parametrize(
    ("layers", "shape", "faults"),
    [
        ([CONVOLUTION], (30,), [("/layers/0", "it needs images, and its inputs are a vector")]),
        (
            [{"type": "dense", "neurons": 9}, POOL], (28, 28),
            [("/layers/1", "it needs images, and its inputs are a vector. The sizes before it: ")],
        ),
        (
            [CONVOLUTION, POOL, CONVOLUTION, POOL, CONVOLUTION], (28, 28),
            [
                (
                    "/layers/4",
                    "a kernel of 5 × 5 does not fit in an input of 4 × 4. "
                    "The sizes before it: 28 × 28 → 24 × 24 → 12 × 12 → 8 × 8 → 4 × 4",
                )
            ],
        ),
        (
            [{**CONVOLUTION, "kernel": 9, "padding": 2}], (32, 3, 3),
            [("/layers/0", "a kernel of 9 × 9 does not fit in an input of 32 × 3, not even with")],
        ),
    ],
)  # fmt: skip
def test_impossible_layers_are_named_and_explained(layers, shape, faults):
    found = refused(layers, dataset(shape))

    assert [pointer for pointer, _ in found] == [pointer for pointer, _ in faults]
    for (_, detail), (_, start) in zip(found, faults, strict=True):
        assert detail.startswith(start)


@pytest.mark.parametrize(
    ("layers", "shape", "what"),
    [
        ([{**CONVOLUTION, "channels": 17, "kernel": 1}], (256, 256), "makes 1,114,112 outputs"),
        (
            [CONVOLUTION, {"type": "dense", "neurons": 1024}], (64, 64),
            f"makes {8 * 26 + (60 * 60 * 8 + 1) * 1024:,} parameters of all layers",
        ),
        (
            [{**CONVOLUTION, "channels": 32, "padding": 2}] * 14, (28, 28),
            "multiplications for one sample",
        ),
    ],
)  # fmt: skip
def test_a_network_that_is_too_large_is_refused(layers, shape, what):
    [(pointer, detail)] = refused(layers, dataset(shape))

    assert pointer.startswith("/layers/")
    assert what in detail
    assert "are allowed" in detail


def test_faults_of_the_layers_are_reported_with_all_others():
    request = TrainRequest.model_validate({"layers": [CONVOLUTION], "augmentation": "distort"})
    with pytest.raises(InvalidInputError) as caught:
        request.resolve(dataset((30,)))

    assert [fault.pointer for fault in caught.value.faults] == ["/augmentation", "/layers/0"]


@pytest.mark.parametrize(
    ("layer", "location"),
    [
        ({"type": "convolution", "channels": 0, "kernel": 5}, ("layers", 0, "channels")),
        ({"type": "convolution", "channels": 8, "kernel": 16}, ("layers", 0, "kernel")),
        ({"type": "convolution", "channels": 8}, ("layers", 0, "kernel")),
        ({"type": "convolution", "channels": 8.0, "kernel": 5}, ("layers", 0, "channels")),
        ({"type": "convolution", "channels": True, "kernel": 5}, ("layers", 0, "channels")),
        ({**CONVOLUTION, "stride": 9}, ("layers", 0, "stride")),
        ({**CONVOLUTION, "padding": -1}, ("layers", 0, "padding")),
        ({**CONVOLUTION, "dilation": 2}, ("layers", 0, "dilation")),
        ({**POOL, "padding": 1}, ("layers", 0, "padding")),
        ({**POOL, "stride": None}, ("layers", 0, "stride")),
        ({"type": "dense", "neurons": 1025}, ("layers", 0, "neurons")),
        ({"type": "recurrent"}, ("layers", 0)),
        ({"neurons": 4}, ("layers", 0)),
        ("dense", ("layers", 0)),
    ],
)
def test_a_wrong_option_is_named_by_its_place(layer, location):
    for model in (TrainRequest, Recipe):
        fields = RECIPES["mnist-numpy"].model_dump(mode="json") if model is Recipe else {}
        fields |= {"layers": [layer], "hidden_sizes": None}
        with pytest.raises(ValidationError) as caught:
            model.model_validate_json(json.dumps(fields))
        assert [fault["loc"] for fault in caught.value.errors()] == [location]


def test_running_out_of_memory_is_explained_with_the_field_that_the_recipe_has():
    short, layers = RECIPES["mnist-numpy"], resolved([POOL])

    assert "hidden_sizes [32, 32]: choose a smaller batch_size or smaller hidden_sizes, or" in str(
        out_of_memory(short, "the training", "wait")
    )
    message = str(out_of_memory(layers, "the training", "wait"))
    assert "hidden_sizes" not in message
    assert "layers [{'type': 'max-pool', 'size': 2, 'stride': 2}]: choose a smaller" in message
