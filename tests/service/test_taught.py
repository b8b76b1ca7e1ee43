"""The steps of a training that changed the loss of a sample most, over the API."""

import gzip
import io
from functools import partial

import numpy as np
import pytest
from PIL import Image

from stepbox.nn.losses import cross_entropy
from stepbox.training import effects as effects_module
from stepbox.training.effects import step_effects
from stepbox.training.presets import RECIPES
from stepbox.training.replay import Replay
from tests.problems import check_problem, pointers
from tests.service.conftest import STEPPED_RECIPE, load_builtin, trained

ADAMW = RECIPES["fashion-mnist-torch-best"].changed(dataset="mnist", epochs=2, hidden_sizes=(7,))
TAUGHT = {"step", "epoch", "batch_size", "samples", "labels", "loss_before", "loss_after", "change"}


@pytest.fixture
def image():
    return load_builtin("mnist", "test").samples[8]


@pytest.fixture
def ask(client, image):
    """Return a function that asks for the steps that taught a model about the image."""
    return partial(client.post, "/predict/taught", json={"images": image[None].tolist()})


def found(answer):
    assert answer.status_code == 200, answer.json
    return answer.json


def test_the_strongest_of_the_steps_next_to_the_snapshots_are_listed(ask, publish_steps, image):
    id = publish_steps(STEPPED_RECIPE)
    trainer, _ = trained(STEPPED_RECIPE)
    network = trainer.network()
    replay = Replay(STEPPED_RECIPE, trainer.train_set, trainer.recorder.record(), network)
    answer = found(ask(query_string={"label": 5}))
    effects = step_effects(replay, image, 5).effects
    changes = {effect.step: effect.change for effect in effects}
    logits = network.logits(image.reshape(1, -1) / 255)

    assert (answer["model"], answer["label"], answer["label_from"]) == (id, 5, "request")
    assert answer["predicted"] == logits.argmax()
    assert answer["loss"] == pytest.approx(cross_entropy(logits, np.array([5]))[0])
    assert (answer["steps"], answer["steps_looked_at"]) == (3000, 64)
    assert answer["snapshots"] == [1, 1001, 1501, 2501]
    assert answer["seen"] == image.tolist()
    assert answer.keys().isdisjoint({"fit", "ink"})
    for name, ordered in (
        ("lowered", sorted(changes, key=changes.get)[:5]),
        ("raised", sorted(changes, key=changes.get, reverse=True)[:5]),
    ):
        assert [step["step"] for step in answer[name]] == ordered
        for step in answer[name]:
            batch = replay.open(step["step"]).batch
            assert step.keys() == TAUGHT
            assert step["samples"] == batch.indices.tolist()
            assert step["labels"] == batch.labels[:1].tolist()
            assert (step["epoch"], step["batch_size"]) == (1 + (step["step"] > 1500), 1)
            assert step["change"] == pytest.approx(changes[step["step"]])
            assert step["change"] == pytest.approx(step["loss_after"] - step["loss_before"])
    assert answer["lowered"][0]["change"] < 0 < answer["raised"][0]["change"]


def test_without_a_class_the_predicted_one_is_meant(ask, publish_steps):
    publish_steps(STEPPED_RECIPE)
    answer = found(ask())
    again = found(ask(query_string={"label": answer["predicted"]}))

    assert (answer["label"], answer["label_from"]) == (answer["predicted"], "prediction")
    assert again == {**answer, "label_from": "request"}


def test_an_image_file_is_prepared_as_for_a_prediction(client, publish_steps, image):
    publish_steps(STEPPED_RECIPE)
    buffer = io.BytesIO()
    Image.fromarray(255 - np.kron(image, np.ones((9, 9), np.uint8))).save(buffer, "PNG")
    body = {"data": buffer.getvalue(), "content_type": "image/png"}
    [prediction] = client.post("/predict?explain=true", **body).json["predictions"]
    answer = found(client.post("/predict/taught", **body))
    compressed = {**body, "data": gzip.compress(buffer.getvalue())}
    headers = {"Content-Encoding": "gzip"}

    assert answer["fit"] == prediction["fit"]
    assert answer["fit"]["inverted"]
    assert answer["seen"] == prediction["seen"]
    assert answer["predicted"] == prediction["index"]
    assert found(client.post("/predict/taught", **compressed, headers=headers)) == answer


def test_an_empty_image_is_reported(client, publish_steps):
    publish_steps(STEPPED_RECIPE)
    empty = {"images": np.zeros((1, 28, 28), int).tolist()}
    assert found(client.post("/predict/taught", json=empty))["ink"] is False


def test_a_batch_has_its_first_samples(ask, publish_steps):
    publish_steps(STEPPED_RECIPE.changed(batch_size=25))
    [step, *_] = found(ask())["lowered"]
    assert step["batch_size"] == 25
    assert len(step["samples"]) == len(step["labels"]) == 10
    labels = load_builtin("mnist", "train").labels
    assert step["labels"] == labels[step["samples"]].tolist()


def test_vectors_are_sent_as_rows(client, vectors):
    row = [0.5, 1.5, -1.0, 2.25]
    answer = found(client.post("/predict/taught?label=2", json={"inputs": [row]}))
    assert (answer["seen"], answer["steps"]) == (row, 120)
    assert (
        client.post("/predict", json={"inputs": [row]}).json["predictions"][0]["index"]
        == (answer["predicted"])
    )


def test_only_one_sample_is_explained(client, publish_steps):
    publish_steps(STEPPED_RECIPE)
    two = {"images": np.zeros((2, 28, 28), int).tolist()}
    assert pointers(check_problem(client.post("/predict/taught", json=two), 422)) == ["/images"]


@pytest.mark.parametrize("label", [-1, 10, 1000, "five"])
def test_a_class_that_does_not_exist_is_rejected(ask, publish_steps, label):
    publish_steps(STEPPED_RECIPE)
    problem = check_problem(ask(query_string={"label": label}), 422)
    assert pointers(problem) == ["/label"]


def test_a_model_without_steps_says_so(ask, publish_steps):
    publish_steps(STEPPED_RECIPE, steps=False)
    assert check_problem(ask(), 409)["type"] == "steps-not-kept"


def test_steps_that_depend_on_others_have_no_answer(ask, publish_steps):
    publish_steps(ADAMW)
    problem = check_problem(ask(), 409)
    assert problem["type"] == "about:blank"
    assert "AdamW, dropout or batch normalization" in problem["detail"]


def test_a_network_that_is_too_large_is_rejected(ask, publish_steps, monkeypatch):
    publish_steps(STEPPED_RECIPE)
    monkeypatch.setattr(effects_module, "MOST_SECONDS", 1e-9)
    assert "to take again" in check_problem(ask(), 409)["detail"]


def test_a_model_that_does_not_exist_is_reported(ask, publish_steps):
    check_problem(ask(query_string={"model": "m-000000000000"}), 404)
    check_problem(ask(), 409)  # there is no newest model
