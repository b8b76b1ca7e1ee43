"""The sizes of layers that the training form works out, compared with those of recipes."""

import json
import random
import subprocess
import sys
from pathlib import Path

from stepbox.errors import InvalidInputError
from stepbox.training.layer_options import ConvolutionOptions, DenseOptions, MaxPoolOptions, specify

ROOT = Path(__file__).parents[2]
NODE = Path(sys.executable).with_name("node")
SCRIPT = f"""
import {{ readFileSync }} from "node:fs";
import {{ steps }} from "{(ROOT / "service/web/static/js/layers.js").as_uri()}";
const networks = JSON.parse(readFileSync(0, "utf8"));
console.log(JSON.stringify(networks.map(({{ layers, shape, classes }}) =>
  steps(layers, {{ shape, classes: Array(classes).fill("a class") }}))));
"""


def random_layer(rng):
    match rng.choice(["convolution", "convolution", "max-pool", "dense"]):
        case "convolution":
            return ConvolutionOptions(
                type="convolution",
                channels=rng.randint(1, 20),
                kernel=rng.randint(1, 6),
                stride=rng.randint(1, 3),
                padding=rng.randint(0, 2),
            )
        case "max-pool":
            return MaxPoolOptions(type="max-pool", size=rng.randint(1, 3), stride=rng.randint(1, 3))
        case _:
            return DenseOptions(type="dense", neurons=rng.randint(1, 50))


def random_network(rng):
    """Draw layers, some of them impossible, and the data set that they are for."""
    shape = rng.choice([(28, 28), (8, 8), (32, 24, 3), (5, 17), (1, 1), (13,)])
    layers = [random_layer(rng) for _ in range(rng.randint(0, 6))]
    if rng.random() < 0.7:
        layers.sort(key=lambda layer: layer.type == "dense")  # as in most networks
    return shape, layers, rng.randint(2, 30)


def in_the_form(networks):
    """Work out the sizes of networks as the form does."""
    texts = [
        {"shape": shape, "layers": [layer.model_dump() for layer in layers], "classes": classes}
        for shape, layers, classes in networks
    ]
    done = subprocess.run(
        [NODE, "--input-type=module", "--eval", SCRIPT],
        input=json.dumps(texts),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        cwd=ROOT,
    )
    return json.loads(done.stdout)


def in_a_recipe(shape, layers, classes):
    """Work out the output and the parameters of each layer, or name the impossible one."""
    try:
        specs = specify(shape, tuple(layers), "relu", classes)
    except InvalidInputError as error:
        return [fault.pointer for fault in error.faults]
    return [([*spec.output_shape], spec.parameters) for spec in specs]


def test_the_form_works_out_the_same_sizes_as_a_recipe_and_finds_the_same_impossible_layers():
    rng = random.Random(5)
    networks = [random_network(rng) for _ in range(1000)]
    possible = 0
    for network, steps in zip(networks, in_the_form(networks), strict=True):
        *before, last = steps
        assert all(step["fault"] is None for step in before)
        if last["fault"]:
            assert in_a_recipe(*network) == [f"/layers/{len(before)}"]
        else:
            possible += 1
            assert in_a_recipe(*network) == [(step["output"], step["parameters"]) for step in steps]
    assert 200 < possible < 800
