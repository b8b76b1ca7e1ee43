"""Tokens of the scope own: they see and change only what is theirs, and read what is nobody's."""

import itertools
from functools import cache, cached_property

import pytest

from jobs.record import PredictionTask
from jobs.sweeps import Sweeps
from service.app import create_app
from service.settings import ServiceSettings
from stepbox.data.builtin import MNIST
from stepbox.training.labels import Labels
from stepbox.training.presets import RECIPES
from stepbox.training.requirements import NO_REQUIREMENTS
from stepbox.training.sweep import Search
from tests.datasets import add_dataset
from tests.jobs.test_draining import ABOUT
from tests.jobs.test_job_store import entry
from tests.processes import stack_in, wait_until
from tests.service.conftest import DATA, publish

SECRETS = {"alice": "a" * 16, "bob": "b" * 16, "admin": "w" * 16}
TOKENS = f"alice=own:{SECRETS['alice']},bob=own:{SECRETS['bob']},write:{SECRETS['admin']}"
PIXELS = [0] * 784
INFER = {"inputs": [{"name": "images", "shape": [1, 28, 28], "datatype": "UINT8", "data": PIXELS}]}
TITLE = {"title": "Mine"}
numbers = itertools.count()


@pytest.fixture(scope="module")
def app(tmp_path_factory):
    """The API with tokens and a Redis, and without a worker."""
    with stack_in(tmp_path_factory.mktemp("own")) as stack:
        stack.start_redis()
        yield create_app(
            ServiceSettings(
                **dict(stack.settings())
                | {"tokens": TOKENS, "data_dir": DATA, "queue_limit": 10**6}
            )
        )


@pytest.fixture
def client(app):
    """Return a function that sends a request with somebody's token."""
    test_client = app.test_client()

    def ask(who, method, path, **arguments):
        headers = {"Authorization": f"Bearer {SECRETS[who]}", **arguments.pop("headers", {})}
        options = {"method": method.upper(), "headers": headers, "buffered": True}
        return test_client.open(path, **options, **arguments)

    return ask


class Things:
    """A training, a sweep that can have a winner, a model with an alias, and a prediction."""

    def __init__(self, backend, owner):
        self.owner = owner
        self._backend = backend
        self.job = self.submit()
        self.model, _ = publish(backend, submitted_by=owner)
        self.alias = f"best-{next(numbers)}"
        backend.models.set_alias(self.alias, self.model)

    def submit(self, **options):
        return self._backend.jobs.submit(
            RECIPES["mnist-numpy"],
            samples=60000,
            queue_limit=10**6,
            submitted_by=self.owner,
            **options,
        ).id

    @cached_property
    def sweep(self):
        return cancelled_sweep(self._backend.jobs, self.owner)

    def fill(self, path):
        """Fill in the parameters of a path."""
        values = {"id": self.job, "ref": self.model, "name": self.alias, "split": "test"}
        values |= {"layer": 0, "true": 0, "predicted": 1, "step": 1, "index": 0}
        if path.startswith("/webhooks"):
            self.job = values["id"] = self.submit(webhook="https://example.org/")
            self._backend.jobs.cancel(self.job)
        if path.startswith("/sweeps"):
            values["id"] = self.sweep
        if path.startswith("/datasets"):
            values["ref"] = "mnist"
        if path.startswith("/predictions"):
            values["id"] = self._predict()
        return path.format(**values)

    def _predict(self):
        task = PredictionTask(model=self.model, dataset="mnist", split="test")
        limit = {"queue_limit": 10**6, "submitted_by": self.owner}
        return self._backend.jobs.submit_prediction(task, samples=10_000, **limit).id

    def body(self, operation):
        """Return the query and the JSON of a request that names these things."""
        match operation:
            case "patch /jobs/{id}" | "patch /models/{ref}":
                return {"json": TITLE}
            case "put /aliases/{name}":
                return {"json": {"model": self.model}}
            case "post /train":
                return {"json": {"recipe": "mnist-numpy", "from_model": self.model}}
            case "post /predictions":
                return {"json": {"model": self.model, "dataset": "mnist"}}
            case "post /sweeps":
                space = {"learning_rate": {"low": 0.1, "high": 0.2}}
                return {"json": {"from_model": self.model, "space": space}}
            case "post /predict" | "post /predict/taught":
                query = {"model": self.model}
                return {"json": {"images": [[PIXELS[:28]] * 28]}, "query_string": query}
            case "post /analysis/gradient-check" | "post /analysis/projection":
                return {"json": {"model": self.model}}
            case "post /v1/models/{ref}:predict":
                return {"json": {"instances": [[PIXELS[:28]] * 28]}}
            case _ if operation.endswith("/infer"):
                return {"json": INFER}
            case "post /v2/repository/index":
                return {"json": {}}
            case "get /sweeps":
                assert self.sweep  # there is one
                return {"query_string": {"limit": 100}}
            case "get /jobs":
                return {"query_string": {"limit": 100}}
            case "get /models":
                return {"query_string": {"limit": 1000}}
        return {}


def cancelled_sweep(jobs, owner):
    """Make a sweep with one complete trial."""
    sweeps, recipe = Sweeps(jobs), RECIPES["mnist-numpy"].changed(validation=0.1)
    search = Search.model_validate({"space": {"learning_rate": {"low": 0.1, "high": 0.2}}})
    asked = {"requires": NO_REQUIREMENTS, "labels": Labels(), "priority": 100}
    jobs.reap("w", {"classes": ["v3"]}, [])
    id = sweeps.submit(recipe, search, queue_limit=10**6, submitted_by=owner, **asked).id

    def claim_of(id):
        while (claim := jobs.claim({"pid": 1}, "w")).job != id:  # what other tests have left
            jobs.finish(claim, "cancelled")
        return claim

    claim = claim_of(id)
    sweeps.submit_trial(claim, sweeps.get(id), recipe, MNIST, {"learning_rate": 0.1})
    trial = claim_of(sweeps.get(id).trials[0].job)
    jobs.report_points(trial, [(entry(0), None), (entry(1), None)])
    jobs.finish(trial, "succeeded")
    jobs.finish(claim, "cancelled")
    return id


# What somebody else gets; None: an answer, in which the things of others do not occur.
OTHERS_GET = {
    "post /train": 422,
    "post /sweeps": 422,
    "put /aliases/{name}": 422,
    "get /aliases/{name}": 404,
    "post /aliases/{name}/rollback": 404,
    "delete /aliases/{name}": 404,
    "post /predict": 404,
    "post /predictions": 422,
    "post /predict/taught": 404,
    "post /analysis/gradient-check": 422,
    "post /analysis/projection": 422,
    "post /workers/{name}/drain": 403,
    "post /workers/{name}/resume": 403,
    "delete /datasets/{ref}": 403,
    **dict.fromkeys(
        (
            *(
                "get /recipes",
                "get /jobs",
                "get /sweeps",
                "get /models",
                "get /aliases",
                "get /published",
            ),
            *("get /generated", "get /datasets", "post /datasets", "get /datasets/{ref}"),
            *("get /datasets/{ref}/{split}", "get /datasets/{ref}/{split}/{index}.png"),
            *("get /datasets/{ref}/sheet.png", "get /datasets/{ref}/summary"),
            *("get /datasets/{ref}/means.png", "post /analysis/box", "post /analysis/regression"),
            *("post /analysis/box-approximation", "post /analysis/softmax-jacobian"),
            *("get /v2", "get /v2/health/live", "get /v2/health/ready", "get /v1/models"),
            *("post /v2/repository/index", "get /livez", "get /readyz", "get /system"),
            *("get /access", "get /metrics", "get /webhooks"),
        )
    ),
}


def outcome(operation):
    """Return what others get. A new endpoint must be in `OTHERS_GET`, unless it names its owner."""
    path = operation.partition(" ")[2]
    owned = ("/jobs/{id}", "/sweeps/{id}", "/predictions/{id}", "/webhooks/{id}")
    if path.startswith(owned) or "/models/{ref}" in path:
        return 404
    return OTHERS_GET[operation]


@cache
def operations():
    document = create_app(ServiceSettings(data_dir=DATA)).extensions["openapi"]["paths"]
    return sorted(f"{method} {path}" for path, methods in document.items() for method in methods)


@pytest.mark.parametrize("operation", operations())
def test_what_belongs_to_others_does_not_exist(app, client, operation):
    things = Things(app.extensions["stepbox"], "alice")
    method, path = operation.split(" ", 1)
    answer = client("bob", method, things.fill(path), **things.body(operation))
    expected = outcome(operation)
    if expected is not None:
        assert answer.status_code == expected, answer.text
        return
    assert answer.status_code < 500 or path == "/readyz"
    if answer.mimetype != "image/png":
        for name in (
            things.job,
            vars(things).get("sweep", things.job),
            things.model,
            things.alias,
            "alice",
        ):
            assert name not in answer.text


OWNERS_GET = {  # the things of a test are too simple for some requests
    "get /models/{ref}/steps": 409,
    "get /models/{ref}/steps/{step}": 409,
    "post /predict/taught": 409,
    "delete /models/{ref}": 409,  # it has an alias
    "post /aliases/{name}/rollback": 409,  # it has named one model
    "delete /jobs/{id}": 409,  # it is queued
    "post /train": 202,
    "post /predictions": 202,
    "get /predictions/{id}": 409,  # it is queued
    "get /predictions/{id}/result": 409,
    "post /sweeps": 202,
    "post /sweeps/{id}/cancel": 409,  # it has ended
}


@pytest.mark.parametrize("operation", [one for one in operations() if outcome(one) in (404, 422)])
def test_the_owner_can_use_and_change_them(app, client, operation):
    things = Things(app.extensions["stepbox"], "alice")
    method, path = operation.split(" ", 1)
    answer = client("alice", method, things.fill(path), **things.body(operation))
    if operation in OWNERS_GET:
        assert answer.status_code == OWNERS_GET[operation], answer.text
    else:
        assert answer.status_code < 300, answer.text


def test_lists_have_what_is_ones_own_and_models_that_are_nobodys(app, client):
    backend = app.extensions["stepbox"]
    mine, yours, shared = (Things(backend, owner) for owner in ("alice", "bob", None))

    def listed(path, name):
        return [one["id"] for one in client("alice", "get", f"{path}?limit=100").json[name]]

    models, jobs = listed("/models", "models"), listed("/jobs", "jobs")
    assert {mine.model, shared.model} <= {*models}
    assert yours.model not in models
    assert mine.job in jobs
    assert not {yours.job, shared.job} & {*jobs}
    aliases = client("alice", "get", "/aliases").json["aliases"]
    assert {mine.alias, shared.alias} <= aliases.keys()
    assert yours.alias not in aliases
    assert {yours.model, mine.model} <= {
        one["id"] for one in client("admin", "get", "/models?limit=100").json["models"]
    }


def test_pages_of_jobs_are_full_although_others_are_between_them(app, client, monkeypatch):
    monkeypatch.setattr("jobs.owned.READ_AT_ONCE", 3)
    backend = app.extensions["stepbox"]
    owners = ["alice", "bob", "bob", "bob", "bob", "alice", "bob", "alice"]
    mine = [Things(backend, owner).job for owner in owners if owner] and [
        job.id for job in backend.jobs.page(limit=8)[0] if job.submitted_by == "alice"
    ]
    found, after = [], None
    while len(found) < 3:
        query = {"limit": 2, "status": "queued", **({"after": after} if after else {})}
        page = client("alice", "get", "/jobs", query_string=query).json
        found += [job["id"] for job in page["jobs"]]
        after = page["next"]
    assert found[:3] == mine
    others = backend.jobs.page(limit=8)[0][-2].id
    assert client("alice", "get", f"/jobs?after={others}").status_code == 404
    assert client("alice", "get", f"/jobs?after={mine[0]}").json["jobs"][0]["id"] == mine[1]


def test_a_model_that_is_nobodys_can_be_used_but_not_changed(app, client):
    shared = Things(app.extensions["stepbox"], None)
    mine = Things(app.extensions["stepbox"], "alice")
    body = shared.body("post /predict")
    assert client("alice", "post", "/predict", **body).status_code == 200
    assert client("alice", "get", f"/models/{shared.model}/weights").status_code == 200
    assert client("alice", "get", f"/jobs/{shared.job}").status_code == 404
    for method, path, json in (
        ("delete", f"/models/{shared.model}", None),
        ("patch", f"/models/{shared.model}", TITLE),
        ("put", "/aliases/other", {"model": shared.model}),
        ("put", f"/aliases/{shared.alias}", {"model": mine.model}),
        ("delete", f"/aliases/{shared.alias}", None),
    ):
        answer = client("alice", method, path, json=json)
        assert answer.status_code == 403, (method, path, answer.text)
    assert client("admin", "patch", f"/models/{shared.model}", json=TITLE).status_code == 200


def test_an_alias_of_others_cannot_be_taken(app, client):
    yours = Things(app.extensions["stepbox"], "bob")
    mine = Things(app.extensions["stepbox"], "alice")
    path = f"/aliases/{yours.alias}"
    assert client("alice", "put", path, json={"model": mine.model}).status_code == 403
    assert client("bob", "get", "/aliases").json["aliases"][yours.alias] == yours.model


def test_latest_is_the_newest_that_one_sees(app, client):
    backend = app.extensions["stepbox"]
    mine, yours = Things(backend, "alice"), Things(backend, "bob")
    for who, model in (("alice", mine.model), ("bob", yours.model)):
        assert client(who, "get", "/models/latest").json["id"] == model
    against = f"/models/{mine.model}/mistakes?against={yours.model}"
    assert client("alice", "get", against).status_code == 404


def test_idempotency_keys_belong_to_their_owner(client):
    ids = {
        client(who, "post", "/train", json={}, headers={"Idempotency-Key": "one"}).json["id"]
        for who in ("alice", "bob", "admin", "alice")
    }
    assert len(ids) == 3


def test_quick_predictions_see_the_same_models(app):
    from service.access.check import AccessCheck
    from service.api.predict.quick import QuickPredictions

    backend = app.extensions["stepbox"]
    things = Things(backend, "alice")
    alices = backend.models.seen_by("alice")
    # Files that have just been written are not kept in memory.
    wait_until(lambda: alices.load(things.model) and alices.loaded(things.model))
    quick = QuickPredictions(backend.models, backend.settings, AccessCheck(backend.settings))
    body = b'{"images": [[' + b",".join([b"[" + b",".join([b"0"] * 28) + b"]"] * 28) + b"]]}"

    def ask(who):
        headers = {
            b"host": b"localhost",
            b"content-type": b"application/json",
            b"authorization": f"Bearer {SECRETS[who]}".encode(),
        }
        target = f"/predict?fit=none&invert=never&model={things.model}".encode()
        return quick.accept(b"POST", target, headers, len(body))(body)

    assert things.model.encode() in ask("alice").body
    with pytest.raises(Exception, match="there is no model"):
        ask("bob")


def test_data_sets_are_shared_and_only_others_may_delete_them(app, client):
    backend = app.extensions["stepbox"]
    spec, _ = add_dataset(backend.datasets, "shared", (2,))
    assert client("alice", "get", f"/datasets/{spec.id}").status_code == 200
    assert client("alice", "delete", f"/datasets/{spec.id}").status_code == 403
    assert client("admin", "delete", f"/datasets/{spec.id}").status_code == 204


def test_all_owners_share_one_connection_to_the_queue(app):
    backend = app.extensions["stepbox"]
    views = [backend.seen_by(owner) for owner in ("alice", "bob", "alice")]
    assert all(view.celery is backend.celery for view in views)


def test_workers_are_for_those_who_may_write(app, client):
    app.extensions["stepbox"].jobs.reap("w", {**ABOUT, "name": "w"}, [])
    assert client("alice", "get", "/system").json["workers"][0]["name"] == "w"
    assert client("alice", "post", "/workers/w/drain").status_code == 403
    assert client("admin", "post", "/workers/w/drain").status_code == 202
