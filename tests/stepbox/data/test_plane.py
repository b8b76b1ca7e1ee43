import numpy as np
import pytest
from pydantic import TypeAdapter, ValidationError

import stepbox
from stepbox.data.builtin import load_dataset
from stepbox.data.dataset import split_sha256
from stepbox.data.plane import MOST_OWN_POINTS, DatasetChoice, GeneratedData, OwnPoints
from stepbox.data.shapes import SHAPES, TURN, draw_points

CHOICE = TypeAdapter(DatasetChoice)
OWN = [[-0.5, 0.2, 0], [0.5, 0.1, 1], [0.4, -0.3, 1], [0.0, 0.9, 2]]


def faults_of(choice):
    with pytest.raises(ValidationError) as caught:
        CHOICE.validate_python(choice)
    return {fault["loc"][1:]: fault["msg"] for fault in caught.value.errors()}


@pytest.mark.parametrize("shape", SHAPES)
def test_a_generated_data_set_is_the_same_each_time(shape):
    first, second = (GeneratedData(generate=shape, samples=301).splits() for _ in range(2))

    assert first["train"].spec.id == second["train"].spec.id
    for split in ("train", "test"):
        np.testing.assert_array_equal(first[split].samples, second[split].samples)
        np.testing.assert_array_equal(first[split].labels, second[split].labels)


@pytest.mark.parametrize("shape", SHAPES)
def test_its_description_fits_its_samples(shape):
    splits = GeneratedData(generate=shape, samples=301).splits()
    spec = splits["train"].spec

    assert (spec.kind, spec.shape, spec.columns) == ("vectors", (2,), ("x", "y"))
    assert spec.id == spec.content_id
    assert len(spec.classes) == SHAPES[shape].classes
    assert (spec.train.samples, spec.test.samples) == (201, 100)
    for split, known in (("train", spec.train), ("test", spec.test)):
        data = splits[split]
        assert data.samples.shape == (known.samples, 2)
        assert data.samples.dtype == spec.dtype
        assert tuple(np.bincount(data.labels)) == known.per_class
        assert split_sha256(data.samples, data.labels) == known.sha256
        assert max(known.per_class) - min(known.per_class) <= 1


def test_what_differs_in_the_request_differs_in_the_data_set():
    usual = {"generate": "spiral", "classes": 3, "samples": 300, "noise": 0.1, "seed": 0}
    others = {"generate": "blobs", "classes": 4, "samples": 301, "noise": 0.2, "seed": 1}
    requests = [usual, *({**usual, name: value} for name, value in others.items())]
    made = [GeneratedData(**request) for request in requests]

    assert len({data.splits()["train"].spec.id for data in made}) == len(made)
    assert len({data.name for data in made}) == len(made)


def without_noise(shape, classes=None):
    return draw_points(shape, classes or SHAPES[shape].classes, 2000, 0, 5)


def test_moons_are_half_circles():
    points, labels = without_noise("moons")
    scaled = points / (0.6, 0.75)
    for label, sign in ((0, 1), (1, -1)):
        circle = sign * scaled[labels == label] + (0.5, 0.25)
        np.testing.assert_allclose(np.hypot(*circle.T), 1, atol=1e-3)
        assert (circle[:, 1] > -1e-3).all()


def test_circles_have_different_radii():
    points, labels = without_noise("circles")
    radii = np.hypot(*points.T)
    assert radii[labels == 0].max() <= 0.3501
    assert radii[labels == 1].min() >= 0.6199


def test_xor_has_a_class_for_equal_signs():
    points, labels = without_noise("xor")
    np.testing.assert_array_equal(labels, np.prod(np.sign(points), axis=1) < 0)
    assert np.abs(points).min() >= 0.06
    assert {*map(tuple, np.sign(points))} == {(-1, -1), (-1, 1), (1, -1), (1, 1)}


@pytest.mark.parametrize("classes", [2, 5])
def test_each_arm_of_a_spiral_has_its_own_angle(classes):
    points, labels = without_noise("spiral", classes)
    angles = np.arctan2(points[:, 1], points[:, 0]) - TURN * np.hypot(*points.T)
    difference = np.exp(1j * (angles - 2 * np.pi * labels / classes)) - 1
    assert np.abs(difference).max() < 2e-3


@pytest.mark.parametrize("classes", [2, 7])
def test_blobs_have_centres_at_equal_distances(classes):
    points, labels = without_noise("blobs", classes)
    assert len({*map(tuple, points)}) == classes
    centres = np.array([points[labels == label][0] for label in range(classes)])
    distances = np.linalg.norm(centres - np.roll(centres, 1, axis=0), axis=1)
    np.testing.assert_allclose(distances, distances[0], atol=2e-3)


def test_noise_is_normal_with_its_deviation():
    clean, _ = draw_points("blobs", 4, 10_000, 0, 3)
    noisy, _ = draw_points("blobs", 4, 10_000, 0.3, 3)
    np.testing.assert_allclose((noisy - clean).std(axis=0), 0.3, rtol=0.03)
    np.testing.assert_allclose((noisy - clean).mean(axis=0), 0, atol=0.01)


@pytest.mark.parametrize(
    "data",
    [
        GeneratedData(generate="moons"),
        GeneratedData(generate="spiral", classes=10, samples=10_000, noise=1, seed=2**32 - 1),
        GeneratedData(generate="circles", samples=10_000, noise=1.2345678901234567e-300),
    ],
)
def test_a_name_says_how_a_data_set_is_generated(data):
    assert GeneratedData.of_name(data.name) == data
    assert CHOICE.validate_python(data.name) == data.name  # which is a valid name
    spec = data.splits()["test"].spec
    assert load_dataset(data.name, "test").spec.id == spec.id


@pytest.mark.parametrize(
    "name",
    [
        "mnist",
        "spiral",
        "spiral-3-300-noise0.10-seed0",
        "spiral-99-300-noise0.1-seed0",
        "moons-3-300",
    ],
)
def test_other_names_are_not_of_generated_data_sets(name):
    assert GeneratedData.of_name(name) is None


def test_every_third_of_own_points_is_a_test_point():
    points = [[k / 10, -k, k % 2] for k in range(8)]
    splits = OwnPoints(points=points).splits()

    def rows(split):
        data = splits[split]
        pairs = zip(data.samples.tolist(), data.labels.tolist(), strict=True)
        return [[*point, label] for point, label in pairs]

    assert rows("test") == [points[2], points[5]]
    assert rows("train") == [points[k] for k in (0, 1, 3, 4, 6, 7)]
    assert splits["train"].spec.classes == ("0", "1")


def test_own_points_are_what_their_id_depends_on():
    ids = {
        OwnPoints(points=points).splits()["train"].spec.id
        for points in (OWN, OWN, [*OWN[1::-1], *OWN[2:]], [[0.5, 0.2, 0], *OWN[1:]])
    }
    assert len(ids) == 3


@pytest.mark.parametrize(
    ("choice", "places"),
    [
        ({"generate": "moon"}, [("generate",)]),
        ({}, [("generate",)]),
        ({"generate": "moons", "classes": 3}, [("classes",)]),
        ({"generate": "spiral", "classes": 11}, [("classes",)]),
        ({"generate": "xor", "samples": 29, "noise": 1.5}, [("samples",), ("noise",)]),
        ({"generate": "xor", "noise": float("nan"), "seed": -1}, [("noise",), ("seed",)]),
        ({"generate": "xor", "samples": "300", "color": 1}, [("samples",), ("color",)]),
        ({"points": OWN[:2]}, [("points",)]),
        ({"points": OWN * (1 + MOST_OWN_POINTS // len(OWN))}, [("points",)]),
        ({"points": [*OWN, [0, 0]]}, [("points", 4, 2)]),
        ({"points": [*OWN, [float("inf"), 1e4, 1]]}, [("points", 4, 0), ("points", 4, 1)]),
        ({"points": [*OWN, [0, 0, 10]]}, [("points", 4, 2)]),
        ({"points": [*OWN, [0, 0, 0.5]]}, [("points", 4, 2)]),
    ],
)
def test_what_is_not_allowed_is_named(choice, places):
    assert [*faults_of(choice)] == places


def test_a_class_that_is_only_tested_does_not_count():
    assert "at least two classes" in faults_of({"points": [OWN[0], OWN[0], OWN[1]]})[("points",)]


def test_a_training_on_generated_points_can_be_opened_and_repeated():
    model = stepbox.train("playground", epochs=2)
    assert stepbox.trace(model, 5).step == 5
    point = load_dataset(model.recipe.dataset, "test").samples[0]
    assert stepbox.taught(model, point).steps == 2 * 40
    again = stepbox.train(model.recipe)
    arrays = model.network.named_arrays()
    for name, array in again.network.named_arrays().items():
        np.testing.assert_array_equal(array, arrays[name])
