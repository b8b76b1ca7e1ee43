"""What running trainings have learned so far, compared with the arrays of their checkpoints."""

import os
import signal
import threading
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import requests

from service.bodies.bounds import LAYERS_BYTES
from stepbox.data.dataset import scale_pixels
from stepbox.nn.losses import softmax
from stepbox.store.checkpoints import CheckpointStore
from stepbox.store.datasets import DatasetStore
from stepbox.training.loop import make_trainer
from stepbox.training.recipe import Recipe
from tests.datasets import add_dataset
from tests.processes import wait_until
from tests.service.conftest import load_builtin

LONG = {"epochs": 1000}


def restored(stack, job, state):
    """Return the network of a checkpoint of the NumPy engine, as its trainer restores it."""
    recipe = Recipe.model_validate(job["recipe"])
    store = DatasetStore(stack.settings().datasets_dir, stack.settings().data_dir)
    trainer = make_trainer(recipe, store.load(recipe.dataset, "train"))
    trainer.restore(state)
    return trainer.network()


def dense_logits(network, inputs):
    """Run a network of dense layers by hand."""
    for layer in network.layers[:-1]:
        inputs = 1 / (1 + np.exp(-(inputs @ layer.weights.T + layer.biases)))
    return inputs @ network.layers[-1].weights.T + network.layers[-1].biases


@contextmanager
def paused(jobs, id):
    """Pause the process that runs a job, after the checkpoint of an epoch."""
    wait_until(
        lambda: (name := jobs.checkpoint(id)) and not name.startswith("e0-"),
        seconds=120,
        what="an epoch",
    )
    (pid,) = (owner["pid"] for job, _, owner in jobs.owners() if job == id)
    os.kill(pid, signal.SIGSTOP)
    threads = list(Path(f"/proc/{pid}/task").iterdir())
    wait_until(lambda: all("State:\tT" in (one / "status").read_text() for one in threads))
    jobs.redis.ping()  # what the process had sent before has now been stored
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def checkpoint(stack, jobs, id):
    """Return the arrays of the checkpoint that Redis names."""
    store = CheckpointStore(stack.models_dir / ".checkpoints")
    return store.load(id, jobs.checkpoint(id))


def read(stack, id, name, status=200, **parameters):
    answer = requests.get(f"{stack.url}/jobs/{id}/{name}", params=parameters, timeout=30)
    assert answer.status_code == status, answer.text
    return answer.json() if status == 200 else answer


def check_layer(found, state, weights, **expected):
    """Compare a response with the weights of the first layer."""
    epochs, samples = state["position"].tolist()
    assert epochs >= 1
    assert found | {"epochs": epochs, "samples": samples, "count": len(weights)} == found
    assert found | expected == found
    assert [one["neuron"] for one in found["neurons"]] == list(range(len(found["neurons"])))
    shown = np.array([one["weights"] for one in found["neurons"]])
    np.testing.assert_allclose(shown, weights[: len(shown)], rtol=6e-4, atol=1e-9)


def check_mistakes(stack, id, state, logits, samples, labels):
    """Compare a response with the classes of the largest logits."""
    found = read(stack, id, "mistakes", limit=1000)
    assert found["epoch"] == state["position"][0]
    predicted, probabilities = logits.argmax(axis=1), softmax(logits).max(axis=1)
    wrong = np.flatnonzero(predicted != labels)
    assert len(wrong) > 3
    assert (found["count"], found["total"]) == (len(wrong), len(labels))
    assert sorted(one["index"] for one in found["images"]) == wrong.tolist()
    for one in found["images"]:
        index = one["index"]
        assert (one["label"], one["predicted"]) == (labels[index], predicted[index])
        assert one["probability"] == pytest.approx(probabilities[index], rel=1e-4)
        np.testing.assert_array_equal(one.get("pixels", one.get("values")), samples[index])
    shown = [one["probability"] for one in found["images"]]
    assert shown == sorted(shown, reverse=True)
    part = read(stack, id, "mistakes", limit=2, offset=1)
    assert part == found | {"images": found["images"][1:3]}


@pytest.fixture
def running(own_stack, jobs):
    """Provide an installation whose worker is ready for jobs, and a store for its data sets."""
    # Memory for two requests at a time: the second would be rejected if the first one took 2 s.
    own_stack.environment["STEPBOX_WORK_BYTES"] = str(2 * LAYERS_BYTES)
    own_stack.start_worker()
    own_stack.start_service()
    settings = own_stack.settings()
    own_stack.store = DatasetStore(settings.datasets_dir, settings.data_dir)
    return own_stack


def test_digits(running, jobs):
    id = running.train(recipe="mnist-numpy", **LONG)["id"]
    with paused(jobs, id):
        state, job = checkpoint(running, jobs, id), running.job(id)
        network, tests = restored(running, job, state), load_builtin("mnist", "test")
        weights = network.layers[0].weights.reshape(-1, 28, 28)
        found = read(running, id, "first-layer")
        check_layer(found, state, weights, job=id, layer=0, columns=None)
        assert read(running, id, "first-layer", limit=5)["neurons"] == found["neurons"][:5]
        inputs = tests.samples.reshape(10_000, -1) / (
            255 if job["recipe"]["pixel_scale"] == "unit" else 1
        )
        logits = dense_logits(network, inputs)
        check_mistakes(running, id, state, logits, tests.samples, tests.labels)


@pytest.mark.parametrize("shape", [(4,), (8, 8)], ids=["vectors", "images"])
def test_a_data_set_of_a_user_whose_inputs_are_standardized(running, jobs, shape):
    names = ("length", "width", "height", "weight") if shape == (4,) else None
    spec, splits = add_dataset(running.store, "own", shape, train=20_000, test=60, columns=names)
    id = running.train(dataset=spec.id, standardize=True, hidden_sizes=[7], **LONG)["id"]
    with paused(jobs, id):
        state, job = checkpoint(running, jobs, id), running.job(id)
        network, tests = restored(running, job, state), splits["test"]
        weights = network.layers[0].weights.reshape(-1, *shape)
        columns = list(names) if names else None
        check_layer(read(running, id, "first-layer"), state, weights, columns=columns)
        inputs = scale_pixels(tests.samples, job["recipe"]["pixel_scale"])
        logits = dense_logits(network, inputs)
        check_mistakes(running, id, state, logits, tests.samples, tests.labels)


def normalized(state, number, z):
    """Apply a batch normalization of the torch engine, by its definition."""
    gamma, beta, mean, variance = (
        state[f"model.{number}.{name}"].astype(np.float64)
        for name in ("weight", "bias", "running_mean", "running_var")
    )
    return gamma * (z - mean) / np.sqrt(variance + 1e-5) + beta


def test_a_convolution_with_batch_normalization_on_color_images(running, jobs):
    spec, splits = add_dataset(running.store, "colors", (12, 12, 3), train=2000, test=60)
    layers = [
        {"type": "convolution", "channels": 5, "kernel": 3, "padding": 1},
        {"type": "max-pool", "size": 2},
    ]
    id = running.train(
        recipe="mnist-torch-convolution",
        dataset=spec.id,
        layers=layers,
        augmentation="none",
        activation="relu",
        dropout=0,
        **LONG,
    )["id"]
    with paused(jobs, id):
        state = checkpoint(running, jobs, id)
        (kernels, normalization, dense) = (
            int(name.split(".")[1]) for name in weights_in_order(state)
        )
        pixels = splits["train"].samples / 255.0
        mean, deviation = pixels.mean(), pixels.std()
        kernel = state[f"model.{kernels}.weight"].astype(np.float64).transpose(0, 2, 3, 1)
        scale = state[f"model.{normalization}.weight"] / np.sqrt(
            state[f"model.{normalization}.running_var"].astype(np.float64) + 1e-5
        )
        folded = kernel * scale[:, None, None, None] / deviation
        check_layer(read(running, id, "first-layer"), state, folded, layer=0)

        tests = splits["test"]
        padded = np.pad(tests.samples / 255.0, ((0, 0), (1, 1), (1, 1), (0, 0)))
        windows = np.lib.stride_tricks.sliding_window_view(
            (padded - mean) / deviation, (3, 3), axis=(1, 2)
        )
        z = np.einsum("nyxcij,kijc->nyxk", windows, kernel) + state[f"model.{kernels}.bias"]
        a = np.maximum(normalized(state, normalization, z), 0)
        pooled = a.reshape(60, 6, 2, 6, 2, 5).max(axis=(2, 4)).reshape(60, -1)
        logits = pooled @ state[f"model.{dense}.weight"].T + state[f"model.{dense}.bias"]
        check_mistakes(running, id, state, logits, tests.samples, tests.labels)


def weights_in_order(state):
    names = [n for n in state if n.startswith("model.") and n.endswith(".weight")]
    return sorted(names, key=lambda name: int(name.split(".")[1]))


def test_reading_goes_on_while_the_process_is_killed_and_the_job_ends(running, jobs):
    """Nothing is ever an error, and the epochs only grow."""
    id = running.train(recipe="mnist-numpy", hidden_sizes=[3], **LONG)["id"]
    ended, answers = threading.Event(), {"first-layer": [], "mistakes": []}

    def keep_reading(name):
        while not ended.is_set():
            answer = requests.get(f"{running.url}/jobs/{id}/{name}", timeout=30)
            answers[name].append((answer.status_code, answer.content and answer.json()))

    def epochs(name):
        field = {"first-layer": "epochs", "mistakes": "epoch"}[name]
        return [body[field] for status, body in answers[name] if status == 200]

    def wait_for_epochs(more):
        """Wait until each reader has seen this many more epochs."""
        enough = {name: len(set(epochs(name))) + more for name in answers}
        wait_until(lambda: all(len(set(epochs(name))) >= enough[name] for name in answers))

    readers = [threading.Thread(target=keep_reading, args=[name]) for name in answers]
    for reader in readers:
        reader.start()
    try:
        for attempt in (1, 2):
            wait_for_epochs(2)
            (pid,) = (owner["pid"] for job, _, owner in jobs.owners() if job == id)
            os.kill(pid, signal.SIGKILL)
            wait_until(lambda attempt=attempt: running.job(id)["attempts"] == attempt + 1)
        wait_for_epochs(2)
        requests.post(f"{running.url}/jobs/{id}/cancel", timeout=10)
        running.wait_for(id, "cancelled")
    finally:
        ended.set()
        for reader in readers:
            reader.join()
    for name in answers:
        assert {status for status, _ in answers[name]} <= {200, 204}
        assert epochs(name) == sorted(epochs(name))
        assert answers[name][-1][0] == 204 or read(running, id, name, 204)
