"""A user starts a training, follows it, and uses the model. All processes are real."""

import io
import json
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import requests
from safetensors.numpy import load_file

from stepbox.data.builtin import DATASETS, load_dataset
from tests.problems import check_problem
from tests.processes import wait_until


def dataset(stack, name):
    return load_dataset(name, "test", stack.environment["STEPBOX_DATA_DIR"])


def read_events(stack, id, last=None):
    """Read the event stream of a job until it ends."""
    headers = {"Last-Event-ID": last} if last else {}
    answer = requests.get(f"{stack.url}/jobs/{id}/events", headers=headers, stream=True, timeout=60)
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "text/event-stream"
    events, fields = [], {}
    for line in answer.iter_lines(decode_unicode=True):
        if not line and "data" in fields:
            events.append((fields["id"], fields["event"], json.loads(fields["data"])))
        if not line:
            fields = {}
        elif not line.startswith(":"):
            name, _, value = line.partition(": ")
            fields[name] = value
    return events


def correct(job):
    return [round(entry["test_accuracy"] * 10_000) for entry in job["history"]]


@pytest.fixture(scope="module")
def mnist(stack):
    """Run the default job, and read its events from start to end."""
    answer = requests.post(f"{stack.url}/train", json={}, timeout=10)
    assert answer.status_code == 202
    job = answer.json()
    assert answer.headers["Location"] == f"/jobs/{job['id']}"
    assert answer.headers["Retry-After"] == "1"
    assert job["status"] == "queued"
    events = read_events(stack, job["id"])
    return stack.job(job["id"]), events


@pytest.mark.container
def test_the_default_recipe_reaches_its_accuracy(mnist):
    job, _ = mnist
    assert job["status"] == "succeeded", job["error"]
    assert job["recipe"]["name"] == "mnist-numpy"
    assert [entry["epoch"] for entry in job["history"]] == [0, 1, 2, 3]
    assert job["history"][0]["train_loss"] is None
    untrained, *trained = correct(job)
    assert untrained == 1010
    assert trained[0] > 9300
    assert trained[-1] >= 9550
    assert (job["device"], job["attempts"], job["error"]) == ("cpu", 1, None)
    assert job["progress"]["fraction"] == 1
    assert job["created_at"] <= job["started_at"] <= job["finished_at"]


@pytest.mark.container
def test_the_event_stream_contains_everything(mnist, stack):
    job, events = mnist
    assert [data["status"] for _, type, data in events if type == "status"] == [
        "queued",
        "running",
        "running",
        "succeeded",
    ]
    assert [data for _, type, data in events if type == "epoch"] == job["history"]
    assert [data for _, type, data in events if type == "loss"] == job["losses"]
    fractions = [data["fraction"] for _, type, data in events if type == "progress"]
    assert len(fractions) > 2
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1
    assert events[-1][2] == {**job, "losses": None}
    middle = len(events) // 2
    assert read_events(stack, job["id"], last=events[middle][0]) == events[middle + 1 :]
    assert read_events(stack, job["id"], last=events[-1][0]) == []


@pytest.mark.container
def test_the_model_is_complete_on_the_disk(mnist, stack):
    job, _ = mnist
    folder = stack.models_dir / job["model"]
    assert {path.name for path in folder.iterdir()} >= {"weights.safetensors", "card.json"}
    tensors = load_file(folder / "weights.safetensors")
    assert {name: array.shape for name, array in tensors.items()} == {
        "0.weight": (32, 784),
        "0.bias": (32,),
        "1.weight": (32, 32),
        "1.bias": (32,),
        "2.weight": (10, 32),
        "2.bias": (10,),
    }
    card = requests.get(f"{stack.url}/models/latest", timeout=10).json()
    assert card == json.loads((folder / "card.json").read_text())
    assert (card["id"], card["job"]) == (job["model"], job["id"])
    assert card["recipe"] == job["recipe"]
    assert card["history"] == job["history"]
    assert card["losses"] == job["losses"]
    assert [entry["samples"] for entry in card["losses"]] == list(range(1000, 181_000, 1000))
    assert card["evaluation"]["accuracy"] == job["history"][-1]["test_accuracy"]


@pytest.mark.container
def test_a_training_that_learns_nothing_says_so_and_is_not_the_default(mnist, stack):
    learned, _ = mnist
    diverged = stack.wait_for(stack.train(learning_rate=10, epochs=1, hidden_sizes=[8])["id"])
    assert diverged["status"] == "succeeded"
    assert (learned["better_than_guessing"], diverged["better_than_guessing"]) == (True, False)
    models = requests.get(f"{stack.url}/models", timeout=10).json()["models"]
    better = {model["id"]: model["evaluation"]["better_than_guessing"] for model in models}
    assert (better[learned["model"]], better[diverged["model"]]) == (True, False)
    computed = requests.get(f"{stack.url}/aliases", timeout=10).json()["computed"]
    assert computed["latest"] == computed["latest-mnist"] == learned["model"]
    assert requests.delete(f"{stack.url}/models/{diverged['model']}", timeout=10).ok


@pytest.mark.container
def test_every_process_serves_a_new_model_without_a_restart(mnist, stack):
    job, _ = mnist
    png = requests.get(f"{stack.url}/datasets/mnist/test/0.png", timeout=10).content

    def predict(_):
        answer = requests.post(
            f"{stack.url}/predict", data=png, headers={"Content-Type": "image/png"}, timeout=10
        )
        assert answer.status_code == 200, answer.text
        return answer.json()["model"], answer.json()["predictions"][0]["label"]

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(predict, range(60))) == {(job["model"], "7")}


@pytest.mark.container
def test_one_form_with_a_hundred_images_is_predicted(mnist, stack):
    labels = dataset(stack, "mnist").labels[:100]
    png_files = [
        requests.get(f"{stack.url}/datasets/mnist/test/{i}.png", timeout=10).content
        for i in range(100)
    ]
    answer = requests.post(
        f"{stack.url}/predict?model=latest-mnist",
        files=[("image", (f"{i}.png", io.BytesIO(data))) for i, data in enumerate(png_files)],
        timeout=30,
    ).json()
    found = [prediction["index"] for prediction in answer["predictions"]]
    assert sum(found == labels) >= 93
    for prediction in answer["predictions"]:
        assert abs(sum(prediction["probabilities"]) - 1) < 1e-6


def test_the_published_recipe_gives_the_published_figures(stack):
    job = stack.wait_for(stack.train(recipe="mnist-numpy-published")["id"])
    untrained, first, second, third = correct(job)
    assert (untrained, first) == (994, 8023)
    assert abs(second - 8481) <= 15
    assert abs(third - 8563) <= 15
    losses = [entry["test_loss"] for entry in job["history"]]
    assert [round(loss, 2) for loss in losses[:2]] == [2.36, 0.63]
    assert 0.505 <= losses[2] < 0.525
    assert round(losses[3], 2) == 0.49


def test_two_epochs_of_the_torch_recipe_follow_the_published_curve(stack):
    job = stack.wait_for(stack.train(recipe="fashion-mnist-torch", epochs=2)["id"])
    assert job["status"] == "succeeded", job["error"]
    _, first, second = job["history"]
    assert abs(first["train_loss"] - 1.83) < 0.05
    assert abs(first["test_loss"] - 1.07) < 0.05
    assert second["test_loss"] < first["test_loss"]
    assert job["device"] in ("cpu", "cuda")

    card = requests.get(f"{stack.url}/models/latest-fashion-mnist", timeout=10).json()
    assert card["id"] == job["model"]
    assert card["classes"][9] == "Ankle boot"
    assert card["versions"]["torch"]
    assert card["computer"]["processor"]
    assert card["computer"]["threads"] == 1
    assert card["cost"]["peak_memory"] == job["peak_memory"] > 2**20
    assert card["cost"]["samples_per_second"] == pytest.approx(job["samples_per_second"])
    trained = sum(entry["seconds"] for entry in job["history"])
    assert job["samples_per_second"] == pytest.approx(2 * 60_000 / trained)

    # The API predicts with NumPy, and reaches the accuracy that the torch engine reported.
    test = dataset(stack, "fashion-mnist")
    buffer = io.BytesIO()
    np.save(buffer, test.samples)
    answer = requests.post(
        f"{stack.url}/predict?model={job['model']}",
        data=buffer.getvalue(),
        headers={"Content-Type": "application/x-npy"},
        timeout=60,
    ).json()
    found = np.array([prediction["index"] for prediction in answer["predictions"]])
    assert (found == test.labels).mean() == pytest.approx(second["test_accuracy"], abs=2e-4)


@pytest.mark.parametrize(
    "fields",
    [
        {"engine": "torch", "hidden_sizes": [], "batch_size": 200},
        {"dataset": "fashion-mnist", "hidden_sizes": [8], "activation": "relu"},
        {"recipe": "fashion-mnist-torch", "engine": "numpy", "hidden_sizes": [16]},
    ],
)
def test_engine_data_set_and_architecture_combine_freely(stack, fields):
    job = stack.wait_for(stack.train(**fields, epochs=1)["id"])
    assert job["status"] == "succeeded", job["error"]
    assert correct(job)[1] > 4000


def test_a_diverging_training_fails_and_names_the_learning_rate(stack):
    job = stack.wait_for(
        stack.train(
            learning_rate=10, activation="relu", pixel_scale="raw", hidden_sizes=[64] * 4, epochs=1
        )["id"]
    )
    assert job["status"] == "failed"
    assert "learning_rate" in job["error"]["detail"]
    assert (job["model"], job["finished_at"] is None) == (None, False)


def test_a_running_and_a_queued_job_are_cancelled(stack):
    running, waiting, last = (stack.train(epochs=50)["id"] for _ in range(3))
    stack.wait_for(running, "running")
    assert stack.job(waiting)["queue_position"] == 0
    assert stack.job(last)["queue_position"] == 1

    answer = requests.post(f"{stack.url}/jobs/{waiting}/cancel", timeout=10)
    assert (answer.status_code, answer.json()["status"]) == (202, "cancelled")
    assert stack.job(last)["queue_position"] == 0
    requests.post(f"{stack.url}/jobs/{last}/cancel", timeout=10)

    assert requests.post(f"{stack.url}/jobs/{running}/cancel", timeout=10).status_code == 202
    job = stack.wait_for(running, "cancelled")
    assert job["model"] is None
    check_problem(requests.post(f"{stack.url}/jobs/{running}/cancel", timeout=10), 409)
    listed = requests.get(f"{stack.url}/jobs?status=cancelled&limit=3", timeout=10).json()
    assert [job["id"] for job in listed["jobs"]] == [last, waiting, running]


def test_the_same_idempotency_key_creates_one_job(stack):
    def post(key, **body):
        return requests.post(
            f"{stack.url}/train", json=body, headers={"Idempotency-Key": key}, timeout=10
        )

    first = post("key", epochs=1, hidden_sizes=[2])
    again = post("key", epochs=1, hidden_sizes=[2])
    assert (first.status_code, again.status_code) == (202, 202)
    assert first.json()["id"] == again.json()["id"]
    check_problem(post("key", epochs=2), 422)
    check_problem(post("x" * 201, epochs=1), 422)
    requests.post(f"{stack.url}/jobs/{first.json()['id']}/cancel", timeout=10)


def test_unknown_jobs_are_not_found(stack):
    for path in ("/jobs/none", "/jobs/none/events", "/jobs?after=none"):
        check_problem(requests.get(stack.url + path, timeout=10), 404)
    check_problem(requests.post(f"{stack.url}/jobs/none/cancel", timeout=10), 404)


def test_all_components_are_ready_and_described(stack):
    ready = wait_until(
        lambda: (answer := requests.get(f"{stack.url}/readyz", timeout=10)).ok and answer
    )
    assert all(check["ready"] for check in ready.json()["checks"])

    def ask():
        return requests.get(f"{stack.url}/system", timeout=10).json()

    # A worker accepts jobs before it knows its device, because importing torch may take long.
    system = wait_until(lambda: (found := ask())["workers"][0]["versions"].get("torch") and found)
    (worker,) = system["workers"]
    assert worker["device"]["name"] != "unknown"
    assert worker["device"]["detail"]
    assert system["queue"]["reachable"]
    states = {one["name"]: one["ready"] for one in system["datasets"]}
    assert states == dict.fromkeys(DATASETS, True)


def test_a_training_continues_a_model_with_all_options(stack):
    def run(**body):
        answer = requests.post(f"{stack.url}/train", json=body, timeout=10)
        assert answer.status_code == 202, answer.text
        read_events(stack, answer.json()["id"])
        return answer.json(), stack.job(answer.json()["id"])

    small = {"hidden_sizes": [8], "epochs": 1}
    _, first = run(**small)
    assert first["history"][-1]["validation_loss"] is None
    queued, second = run(
        **small,
        from_model=first["model"],
        validation=0.1,
        early_stopping=1,
        class_weights="balanced",
    )

    assert second["status"] == "succeeded", second["error"]
    assert second["recipe"]["from_model"] == first["model"]
    held_out = 60_000 - queued["progress"]["samples_total"]
    assert held_out == pytest.approx(6000, abs=5)
    assert second["progress"]["samples_total"] == 60_000 - held_out
    start, end = second["history"]
    for name in ("test_loss", "test_accuracy", "test_balanced_accuracy", "test_macro_f1"):
        assert start[name] == first["history"][-1][name]
    assert end["validation_loss"] < start["validation_loss"]
    assert end["test_top5_accuracy"] is None
    card = requests.get(f"{stack.url}/models/{second['model']}", timeout=10).json()
    assert card["history"] == second["history"]
    assert card["evaluation"]["macro_f1"] == end["test_macro_f1"]


def test_a_model_that_does_not_fit_is_rejected_with_both_shapes(stack, mnist):
    job, _ = mnist
    body = {"from_model": job["model"], "hidden_sizes": [7]}
    problem = check_problem(requests.post(f"{stack.url}/train", json=body, timeout=10), 422)
    (fault,) = problem["errors"]
    assert fault["pointer"] == "#/from_model" or fault["pointer"] == "/from_model"
    assert "[32, 32]" in fault["detail"]
    assert "[7]" in fault["detail"]
    body = {"from_model": "none-such"}
    problem = check_problem(requests.post(f"{stack.url}/train", json=body, timeout=10), 422)
    assert "none-such" in problem["errors"][0]["detail"]
