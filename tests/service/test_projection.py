import numpy as np
import pytest

from stepbox.data.dataset import scale_pixels
from tests.problems import check_problem, pointers


@pytest.fixture
def project(client, model):
    """Project the test images as the model of this test represents them."""
    return lambda **body: client.post("/analysis/projection", json={"model": model[0], **body})


@pytest.mark.parametrize("layer", [0, 1, 3])
def test_the_points_keep_the_most_variance(project, backend, model, layer):
    answer = project(layer=layer).json
    assert (answer["layer"], answer["sizes"]) == (layer, [784, 32, 32, 10])
    test_set = backend.dataset("mnist")
    assert answer["labels"] == test_set.labels[:1000].tolist()
    inputs = scale_pixels(test_set.samples[:1000], "unit")
    outputs = [*model[1].forward(inputs)[1], model[1].logits(inputs)][layer]
    variances = np.linalg.eigvalsh(np.cov(outputs.T))[::-1]
    points = np.array(answer["after"]["points"])
    np.testing.assert_allclose(points.var(axis=0, ddof=1), variances[:2], rtol=1e-3)
    np.testing.assert_allclose(
        answer["after"]["shares"], variances[:2] / variances.sum(), rtol=1e-3
    )
    assert answer["before"] == answer["after"]  # this model was not trained
    assert answer["after"]["image"] is None


def test_an_image_is_placed_where_the_same_test_image_is(project, backend):
    pixels = backend.dataset("mnist").samples[17].tolist()
    for layer in range(4):
        answer = project(layer=layer, image=pixels).json
        for one in (answer["before"], answer["after"]):
            assert one["image"] == pytest.approx(one["points"][17], rel=1e-3, abs=1e-9)


def test_the_last_layer_is_the_default(project):
    assert project().json["layer"] == 3


@pytest.mark.parametrize(
    ("body", "pointer", "words"),
    [
        ({"layer": 4}, "/layer", "0 to 3"),
        ({"layer": -1}, "/layer", "0"),
        ({"model": "none"}, "/model", "none"),
        ({"image": [[0] * 28] * 27}, "/image", "28"),
    ],
)
def test_a_wrong_field_is_named(project, body, pointer, words):
    problem = check_problem(project(**body), 422)
    assert pointers(problem) == [pointer]
    assert words in problem["errors"][0]["detail"]
