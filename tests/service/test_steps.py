"""The steps of a training over the API."""

import base64

import numpy as np
import pytest

from service.api.steps import answer, schemas
from stepbox.data.builtin import DATASETS
from stepbox.nn.backprop import descend
from stepbox.training import replay as replay_module
from stepbox.training.presets import RECIPES
from tests.problems import check_problem, pointers
from tests.service.conftest import STEPPED_RECIPE as RECIPE
from tests.service.conftest import trained

CONVOLUTION = RECIPE.changed(
    layers=[
        {"type": "convolution", "channels": 3, "kernel": 5, "stride": 2},
        {"type": "max-pool", "size": 2},
    ],
)
TORCH = RECIPES["fashion-mnist-torch"].changed(dataset="mnist", epochs=2, hidden_sizes=(7,))


@pytest.fixture
def id(publish_steps):
    return publish_steps(RECIPE)


def rejected(client, path):
    """Return the fields that a request is rejected for."""
    return pointers(check_problem(client.get(path), 422))


def get(client, path, status=200):
    answer = client.get(path)
    assert answer.status_code == status, answer.json
    return answer.json


def array(numbers):
    data = np.frombuffer(base64.b64decode(numbers["data"]), np.dtype(numbers["dtype"]))
    return data.reshape(numbers["shape"])


def test_the_index_describes_all_steps(client, id):
    trainer, _ = trained(RECIPE)
    record = trainer.recorder.record()
    index = get(client, f"/models/{id}/steps?every=50")

    assert (index["model"], index["steps"], index["steps_per_epoch"]) == (id, 3000, 1500)
    assert (index["batch_size"], index["trained_with"], index["reach"]) == (1, "exact", 1000)
    assert index["snapshots"] == [1, 1001, 1501, 2501]
    groups = record.losses.reshape(-1, 50)
    np.testing.assert_allclose(index["loss"]["mean"], groups.mean(axis=1), rtol=1e-3)
    np.testing.assert_allclose(index["loss"]["most"], groups.max(axis=1), rtol=1e-3)
    np.testing.assert_allclose(index["loss"]["low"], np.quantile(groups, 0.1, axis=1), rtol=1e-3)
    assert index["wrong"] == record.wrong.reshape(2, -1).sum(axis=1).tolist()
    assert np.shape(index["angles"]["layers"]) == (2, 3, 4)
    assert index["jumps"]["largest_loss"] == record.losses.argmax() + 1
    assert index["jumps"]["epoch_ends"] == [1500, 3000]


def test_the_curve_has_at_most_600_groups_unless_more_are_requested(client, id, monkeypatch):
    assert len(get(client, f"/models/{id}/steps")["loss"]["mean"]) == 600
    assert len(get(client, f"/models/{id}/steps?every=1")["loss"]["mean"]) == 3000
    monkeypatch.setattr("service.api.steps.endpoints.MOST_GROUPS", 1000)
    for every in (2, 3001):
        problem = client.get(f"/models/{id}/steps?every={every}")
        check_problem(problem, 422)
        assert problem.json["errors"] == [
            {"pointer": "/every", "detail": "must be from 3 to 3,000"}
        ]


def test_steps_are_found(client, id):
    record = trained(RECIPE)[0].recorder.record()
    wrong = np.flatnonzero(record.wrong) + 1
    step = 0
    for expected in wrong[:20]:
        found = get(client, f"/models/{id}/steps?where=wrong&after={step}")
        step = found["step"]
        assert step == expected
        assert found["loss"] == pytest.approx(record.losses[step - 1])
    assert get(client, f"/models/{id}/steps?where=wrong&after={wrong[-1]}")["step"] is None
    largest = get(client, f"/models/{id}/steps?where=largest")["step"]
    assert largest == record.losses.argmax() + 1
    after = get(client, f"/models/{id}/steps?where=largest&after=2900")
    assert after["step"] == 2901 + record.losses[2900:].argmax()
    assert get(client, f"/models/{id}/steps?where=largest&after=3000")["step"] is None
    check_problem(client.get(f"/models/{id}/steps?where=best"), 422)
    for after in (-1, 2**53 + 1):
        assert rejected(client, f"/models/{id}/steps?where=wrong&after={after}") == ["/after"]


@pytest.mark.parametrize("step", [1, 1499, 1500, 1501, 2999, 3000])
def test_a_step_can_be_computed_from_its_numbers(client, id, step):
    """Take the step with the weights of the response, and compare with the next response."""
    numbers = get(client, f"/models/{id}/steps/{step}?include=weights")
    a = array(numbers["input"]).reshape(-1) / 255
    assert numbers["input"]["dtype"] == "uint8"
    assert (numbers["step"], numbers["steps"], numbers["epoch"]) == (step, 3000, 1 + (step > 1500))
    for layer in numbers["layers"]:
        z = array(layer["weight"]) @ a + layer["bias"]
        np.testing.assert_allclose(layer["z"], z, rtol=1e-4, atol=1e-5)
        gradient = np.outer(layer["delta"]["exact"], a)
        np.testing.assert_allclose(array(layer["gradient"]["weight"]), gradient, atol=1e-5)
        norm = np.sqrt((gradient**2).sum() + (np.array(layer["delta"]["exact"]) ** 2).sum())
        assert layer["gradient"]["norm"] == pytest.approx(norm, rel=1e-3)
        assert layer["update"]["norm"] == pytest.approx(0.03 * norm, rel=1e-3)
        assert (layer["inputs"], layer["outputs"]) == (len(a), len(z))
        a = np.array(layer["a"])
    np.testing.assert_allclose(a, numbers["probabilities"])
    assert numbers["said"] == a.argmax()
    if step > 1500:
        assert numbers["next_epoch"] is None
    else:
        again = get(client, f"/models/{id}/steps/{numbers['next_epoch']}")
        assert (again["epoch"], again["sample"]) == (2, numbers["sample"])
    assert numbers["loss"] == pytest.approx(-np.log(a[numbers["label"]]), rel=1e-3)
    assert numbers["after"].keys() == {"exact", "slope", "order", "published"}
    assert numbers["replay"]["within_goal"] is True
    assert numbers["replay"]["difference"] <= numbers["replay"]["goal"] == 1e-9
    if step < 3000:
        after = get(client, f"/models/{id}/steps/{step + 1}?include=weights")
        for layer, next_layer in zip(numbers["layers"], after["layers"], strict=True):
            moved = array(layer["weight"]) - 0.03 * array(layer["gradient"]["weight"])
            np.testing.assert_allclose(array(next_layer["weight"]), moved, atol=1e-6)


def test_large_gradients_are_summarized_unless_weights_are_requested(client, id):
    first, second, _ = get(client, f"/models/{id}/steps/5")["layers"]
    assert first["inputs"] * first["outputs"] > schemas.FULL_GRADIENT
    assert first["gradient"].keys() == {"norm", "largest"}
    assert second["gradient"].keys() == {"norm", "largest", "weight", "bias"}
    assert "weight" not in first


def test_the_gradient_and_the_layer_can_be_chosen(client, id):
    published = get(client, f"/models/{id}/steps/5?gradient=published")
    for layer in published["layers"][1:]:
        np.testing.assert_allclose(layer["gradient"]["bias"], layer["delta"]["published"])
    one = get(client, f"/models/{id}/steps/5?gradient=published&layer=1")
    assert one["layers"] == [published["layers"][1]]


def test_convolutions_have_feature_maps(client, publish_steps):
    id = publish_steps(CONVOLUTION)
    numbers = get(client, f"/models/{id}/steps/1200?include=weights")
    convolution, pool, dense = numbers["layers"]

    assert [layer["type"] for layer in numbers["layers"]] == ["convolution", "max-pool", "dense"]
    for layer in (convolution, pool):
        for values in (layer["z"], layer["a"], *layer["delta"].values()):
            assert np.shape(values) == tuple(layer["output_shape"])
    image = array(numbers["input"]) / 255
    weights = array(convolution["weight"])[..., 0]
    expected = [
        [
            (weights * image[2 * i : 2 * i + 5, 2 * j : 2 * j + 5]).sum(axis=(1, 2))
            for j in range(12)
        ]
        for i in range(12)
    ]
    np.testing.assert_allclose(
        np.array(convolution["z"]) - convolution["bias"], expected, rtol=1e-3, atol=1e-4
    )
    largest = np.array(convolution["a"]).reshape(6, 2, 6, 2, 3).max(axis=(1, 3))
    np.testing.assert_allclose(pool["a"], largest)
    assert (pool["bias"], pool["gradient"], pool["update"], pool["slope"]) == (None,) * 4
    assert convolution["angle"]["published"] > 0
    assert dense["angle"]["published"] == 0


def test_of_torch_the_snapshots_open_and_the_others_are_too_far(client, publish_steps):
    id = publish_steps(TORCH)
    index = get(client, f"/models/{id}/steps")
    assert (index["reach"], index["angles"]) == (1, None)
    first, second, *_ = index["snapshots"]
    numbers = get(client, f"/models/{id}/steps/{second}?sample=5")
    assert numbers["position"] == 5
    assert numbers["replay"] == {
        "snapshot": second,
        "checked_at": None,
        "difference": None,
        "goal": 1e-9,
        "within_goal": None,
    }
    assert numbers["after"].keys() == {"exact"}
    problem = client.get(f"/models/{id}/steps/{first + 1}")
    assert check_problem(problem, 409)["type"] == "too-far"
    assert problem.json["nearest"] == [first, second]


def test_a_batch_steps_by_the_mean_gradient(client, publish_steps):
    recipe = RECIPE.changed(batch_size=25)
    id = publish_steps(recipe)
    trainer, _ = trained(recipe)
    network = trainer.recorder.record()
    numbers = get(client, f"/models/{id}/steps/1?sample=24")
    state = replay_module.Replay(recipe, trainer.train_set, network, trainer.network()).open(1)
    after = state.network.copy()
    descend(after, state.batch.inputs, state.batch.labels, state.batch.rate)
    label = int(state.batch.labels[24])

    assert numbers["sample"] == state.batch.indices[24]
    assert (numbers["batch_size"], numbers["label"]) == (25, label)
    [p] = after.probabilities(state.batch.inputs[24:25])
    assert numbers["after"]["exact"]["loss"] == pytest.approx(-np.log(p[label]))
    assert numbers["layers"][0]["update"] is None
    assert rejected(client, f"/models/{id}/steps/1?sample=25") == ["/sample"]
    assert rejected(client, f"/models/{id}/steps/1?gradient=order") == ["/gradient"]


def test_a_model_without_steps_says_so(client, publish_steps):
    id = publish_steps(RECIPE, steps=False)
    assert get(client, f"/models/{id}")["steps"] is None
    for path in ("steps", "steps/1"):
        problem = check_problem(client.get(f"/models/{id}/{path}"), 409)
        assert problem["type"] == "steps-not-kept"


def test_a_step_or_a_layer_that_does_not_exist_is_reported(client, id):
    for step in (0, 3001, 10**12):
        check_problem(client.get(f"/models/{id}/steps/{step}"), 404)
    check_problem(client.get("/models/m-000000000000/steps/1"), 404)
    assert rejected(client, f"/models/{id}/steps/1?layer=3") == ["/layer"]
    assert rejected(client, f"/models/{id}/steps/1?sample=1") == ["/sample"]
    assert rejected(client, f"/models/{id}/steps/1?include=all") == ["/include"]


def test_a_response_that_would_be_too_large_is_rejected(client, id, monkeypatch):
    monkeypatch.setattr(answer, "MOST_VALUES", 1000)
    problem = client.get(f"/models/{id}/steps/1?include=weights")
    assert pointers(check_problem(problem, 422)) == ["/layer"]
    assert len(get(client, f"/models/{id}/steps/1?include=weights&layer=1")["layers"]) == 1


def test_a_damaged_file_of_steps_is_reported(client, id, backend):
    path = backend.settings.models_dir / id / "steps.safetensors"
    content = bytearray(path.read_bytes())
    content[-5] ^= 1
    path.write_bytes(content)
    check_problem(client.get(f"/models/{id}/steps"), 409)
    assert "steps.safetensors" in client.get(f"/models/{id}/steps").json["detail"]
    get(client, f"/models/{id}")  # everything else still works


def test_the_steps_are_deleted_with_the_model(client, id, backend):
    folder = backend.settings.models_dir / id
    assert (folder / "steps.safetensors").exists()
    assert client.delete(f"/models/{id}").status_code == 204
    assert not folder.exists()
    check_problem(client.get(f"/models/{id}/steps/1"), 404)


def test_vectors_are_sent_as_they_are_in_the_data_set(client, vectors):
    numbers = get(client, f"/models/{vectors[0]}/steps/60?include=weights")
    assert (numbers["input"]["dtype"], numbers["input"]["shape"]) == ("float64", [4])
    scale = numbers["standardized_by"]
    x = (array(numbers["input"]) - scale["mean"]) / scale["deviation"]
    first = numbers["layers"][0]
    z = array(first["weight"]) @ x + first["bias"]
    np.testing.assert_allclose(first["z"], z, rtol=1e-4, atol=1e-5)


def test_the_training_data_may_be_gone(client, backend, vectors):
    id, spec = vectors
    backend.datasets.delete(spec.id)
    problem = check_problem(client.get(f"/models/{id}/steps/60"), 409)
    assert "has been deleted, and this needs its training samples" in problem["detail"]


def test_steps_of_an_alias_and_of_latest_open(client, id):
    assert get(client, "/models/latest/steps/2")["model"] == id
    assert get(client, "/models/latest-mnist/steps")["model"] == id
    assert DATASETS["mnist"].classes[get(client, "/models/latest/steps/2")["label"]].isdigit()
