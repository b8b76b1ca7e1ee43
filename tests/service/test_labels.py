"""Titles, notes and tags over HTTP, against a real Redis."""

import pytest

from jobs.settings import Settings
from stepbox.data.builtin import MNIST
from stepbox.store.card import CardDraft
from stepbox.store.models import ModelStore, new_model_id
from stepbox.training.presets import RECIPES
from tests.jobs.test_job_store import OWNER
from tests.problems import check_problem, pointers
from tests.service.conftest import untrained

BODY = {"title": "Wide", "notes": "first\nsecond", "tags": ["a", "b"]}
NAMES = tuple(BODY)


@pytest.fixture
def app(app_with_jobs):
    return app_with_jobs


@pytest.fixture
def models():
    return ModelStore(Settings().models_dir)


def labels_of(body):
    return {name: body[name] for name in NAMES}


@pytest.fixture
def train(client, jobs, models):
    """Return a function that runs a job to its end, as a worker does, and returns it."""

    def train(**body):
        id = client.post("/train", json=body).json["id"]
        claim = jobs.claim(OWNER, "w")
        network, evaluation = untrained("mnist-numpy")
        draft = CardDraft(
            id=new_model_id(),
            job=id,
            recipe=RECIPES["mnist-numpy"],
            dataset=MNIST,
            history=[],
            evaluation=evaluation,
            device="cpu",
        )
        models.stage(draft.id, draft, network, network)
        jobs.decide(claim, draft.id, peak_memory=1, better_than_guessing=False)
        models.publish(draft.id, draft.id, jobs.get(id).labels)
        jobs.finish(claim, "succeeded")
        return client.get(f"/jobs/{id}").json

    return train


def test_a_training_has_labels_which_its_model_gets(client, train):
    job = train(**BODY)
    assert labels_of(job) == labels_of(client.get(f"/models/{job['model']}").json) == BODY
    assert labels_of(client.get("/jobs").json["jobs"][0]) == BODY
    assert labels_of(client.get("/models").json["models"][0]) == BODY
    assert job["recipe"] == train()["recipe"]


@pytest.mark.parametrize("changed", ["jobs", "models"])
def test_a_job_and_its_model_change_together(client, train, changed):
    job = train(**BODY)
    paths = {"jobs": f"/jobs/{job['id']}", "models": f"/models/{job['model']}"}
    etag = client.get(paths["models"]).headers["ETag"]
    expected = BODY
    for change in ({"title": "New"}, {"notes": ""}, {"title": None, "tags": ["é c"]}):
        expected = expected | change
        answer = client.patch(paths[changed], json=change)
        assert (answer.status_code, answer.json["id"]) == (200, paths[changed].split("/")[2])
        assert labels_of(answer.json) == expected
        for path in paths.values():
            assert labels_of(client.get(path).json) == expected
    assert client.get(paths["models"], headers={"If-None-Match": etag}).status_code == 200


def test_labels_can_change_if_the_other_one_is_gone(client, train):
    for deleted, kept in (("jobs", "models"), ("models", "jobs")):
        job = train(**BODY)
        paths = {"jobs": f"/jobs/{job['id']}", "models": f"/models/{job['model']}"}
        assert client.delete(paths[deleted]).status_code == 204
        assert client.patch(paths[kept], json={"title": "Alone"}).json["title"] == "Alone"
        check_problem(client.patch(paths[deleted], json={"title": "Alone"}), 404)


def test_a_job_that_has_not_ended_can_be_labelled(client, jobs):
    id = client.post("/train", json={}).json["id"]
    assert client.patch(f"/jobs/{id}", json={"title": "Queued"}).json["title"] == "Queued"
    claim = jobs.claim(OWNER, "w")
    assert client.patch(f"/jobs/{id}", json={"tags": ["x"]}).json["title"] == "Queued"
    jobs.decide(claim, "m-0123456789ab", peak_memory=1, better_than_guessing=True)
    problem = check_problem(client.patch(f"/jobs/{id}", json={"title": "Late"}), 409)
    assert "try again" in problem["detail"]
    jobs.finish(claim, "failed", {"type": "", "title": "", "status": 500, "detail": ""})
    assert client.patch(f"/jobs/{id}", json={"title": "Late"}).json["tags"] == ["x"]


def test_a_model_that_is_just_being_published_cannot_be_labelled(client, jobs, models, train):
    job = train()
    jobs.redis.hset(f"job:{job['id']}", "status", "running")  # published, but not finished yet
    path = f"/models/{job['model']}"
    assert "try again" in check_problem(client.patch(path, json=BODY), 409)["detail"]
    assert client.get(path).json["title"] is None


@pytest.mark.parametrize(
    ("body", "pointer", "detail"),
    [
        ({"title": "x" * 81}, "/title", "1 to 80 characters"),
        ({"title": "a\nb"}, "/title", "without control characters"),
        ({"notes": "x" * 2001}, "/notes", "up to 2,000 characters"),
        ({"tags": ["a", "b,c"]}, "/tags/1", "1 to 40 characters"),
        ({"tags": list("abcdefghijk")}, "/tags", "up to 10 different tags"),
        ({"tags": ["a", "a"]}, "/tags", "up to 10 different tags"),
    ],
)
def test_an_error_names_the_field_and_its_limits(client, train, body, pointer, detail):
    job = train()
    for method, path in (
        ("post", "/train"),
        ("patch", f"/jobs/{job['id']}"),
        ("patch", f"/models/{job['model']}"),
    ):
        problem = check_problem(getattr(client, method)(path, json=body), 422)
        assert pointers(problem) == [pointer]
        assert detail in problem["errors"][0]["detail"]


def test_a_body_without_labels_is_rejected(client, train):
    path = f"/jobs/{train()['id']}"
    for body, pointer in (({}, ""), ({"name": "a"}, "/name")):
        assert pointers(check_problem(client.patch(path, json=body), 422)) == [pointer]
    check_problem(client.patch(path, data="title"), 415)
    check_problem(client.patch(path, data="[]", content_type="application/json"), 400)
