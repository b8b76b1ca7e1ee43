"""Each operation is sent to a real server, by both clients."""

import asyncio

import pytest

from stepbox.client import Answer, AsyncClient, Event
from tests.processes import wait_until
from tests.stepbox.client.conftest import IRIS, MOONS
from tests.stepbox.client.test_operations import methods

pytestmark = pytest.mark.server

PIXELS = [[0] * 28] * 28
SPACE = {"learning_rate": {"low": 0.01, "high": 0.1}}
SWEEP = MOONS | {"trials": 2, "sampler": "random", "validation": 0.1, "final": False}
TENSOR = {"name": "images", "shape": [1, 28, 28], "datatype": "UINT8", "data": [0] * 784}


class Things:
    """What the operations are about."""

    def __init__(self, client, jobs):
        self.job, self.digits = (job.id for job in jobs)
        self.model, self.digit_model = (job.record.model for job in jobs)
        self.worker = wait_until(lambda: client.system.get().workers)[0].name

    def arguments(self, name):
        """Return the arguments of an operation, and what its result must be."""
        ref, digits, worker = self.model, self.digit_model, self.worker
        return {
            "aliases.delete": (("best",), None),
            "aliases.get": (("best",), Answer),
            "aliases.list": ((), Answer),
            "aliases.rollback": (("best",), Answer),
            "aliases.set": (("best", digits), Answer),
            "analysis.box": ((2, 1), Answer),
            "analysis.box_approximation": (("x", 1), {"boxes": 4}, Answer),
            "analysis.gradient_check": ((digits,), {"image": PIXELS, "label": 1}, Answer),
            "analysis.projection": ((digits,), Answer),
            "analysis.regression": (([[1], [2]], [1, 2], "l2"), Answer),
            "analysis.softmax_jacobian": (([1, 2],), {"target": 1}, Answer),
            "datasets.delete": (("unwanted",), None),
            "datasets.generated": (("spiral",), {"classes": 3}, Answer),
            "datasets.get": (("mnist",), Answer),
            "datasets.list": ((), Answer),
            "datasets.means": (("mnist",), bytes),
            "datasets.picture": (("mnist", "test", 0), bytes),
            "datasets.samples": (("mnist", "test"), {"index": [0, 7]}, Answer),
            "datasets.sheet": (("mnist",), {"columns": 2, "rows": 1}, bytes),
            "datasets.summary": (("mnist",), Answer),
            "datasets.upload": ((IRIS.encode(),), {"name": "iris"}, Answer),
            "jobs.cancel": (("running",), Answer),
            "jobs.delete": (("finished",), None),
            "jobs.events": ((self.job,), Event),
            "jobs.first_layer": ((self.digits,), None),
            "jobs.get": ((self.job,), Answer),
            "jobs.label": ((self.job,), {"title": "Mine", "tags": ["a"]}, Answer),
            "jobs.list": ((), {"status": "succeeded", "limit": 2}, Answer),
            "jobs.mistakes": ((self.digits,), None),
            "jobs.recipes": ((), Answer),
            "jobs.train": ((), MOONS, Answer),
            "models.export": ((digits,), {"format": "npz"}, bytes),
            "models.reproduce": ((ref,), Answer),
            "predictions.get": (("predicted",), Answer),
            "predictions.result": (("predicted",), {"format": "csv"}, bytes),
            "predictions.start": ((digits, "mnist"), {"split": "test"}, Answer),
            "predictions.upload": ((IRIS.encode(),), {"model": ref, "label": "label"}, Answer),
            "sweeps.cancel": (("sweep",), Answer),
            "sweeps.events": (("ended sweep",), Event),
            "sweeps.get": (("sweep",), Answer),
            "sweeps.list": ((), {"limit": 1}, Answer),
            "sweeps.start": ((SPACE,), SWEEP, Answer),
            "sweeps.train_winner": (("ended sweep",), Answer),
            "webhooks.get": (("delivered",), Answer),
            "webhooks.list": ((), {"limit": 1}, Answer),
            "webhooks.retry": (("delivered",), Answer),
            "models.attribution": ((digits,), {"index": 3}, Answer),
            "models.confusion": ((digits, 0, 1), Answer),
            "models.delete": (("unwanted",), None),
            "models.feature_maps": ((digits,), {"layer": 0}, Answer),
            "models.feature_maps_picture": ((digits, 0), bytes),
            "models.filters": ((digits, 0), Answer),
            "models.filters_picture": ((digits, 0), bytes),
            "models.first_layer": ((digits,), Answer),
            "models.first_layer_picture": ((digits,), bytes),
            "models.get": (("latest",), Answer),
            "models.histograms": ((digits,), Answer),
            "models.label": ((ref,), {"notes": "Twice as wide"}, Answer),
            "models.layers": ((digits,), Answer),
            "models.list": ((), {"limit": 1}, Answer),
            "models.mistakes": ((digits,), {"limit": 1}, Answer),
            "models.published": ((), Answer),
            "models.step": ((ref, 1), Answer),
            "models.steps": ((ref,), {"where": "wrong"}, Answer),
            "models.weights": ((ref,), bytes),
            "predicting.predict": (({"images": [PIXELS]},), {"model": digits}, Answer),
            "predicting.taught": (({"inputs": [[0.0, 1.0]]},), {"model": ref}, Answer),
            "system.access": ((), Answer),
            "system.drain_worker": ((worker,), Answer),
            "system.get": ((), Answer),
            "system.live": ((), Answer),
            "system.metrics": ((), str),
            "system.ready": ((), {"exclude": ["queue", "worker"]}, Answer),
            "system.resume_worker": ((worker,), Answer),
            "v1.model": ((digits,), Answer),
            "v1.models": ((), Answer),
            "v1.predict": ((digits, [PIXELS]), {"scale": "raw"}, Answer),
            "v2.index": ((), {"ready": True}, Answer),
            "v2.infer": ((digits, {"inputs": [TENSOR]}), Answer),
            "v2.infer_version": ((digits, {"inputs": [TENSOR]}), Answer),
            "v2.live": ((), Answer),
            "v2.model": ((digits,), Answer),
            "v2.model_ready": ((digits,), Answer),
            "v2.model_version": ((digits,), Answer),
            "v2.model_version_ready": ((digits,), Answer),
            "v2.ready": ((), Answer),
            "v2.server": ((), Answer),
        }[name]


@pytest.fixture(scope="module")
def things(client, moons, digits):
    return Things(client, (moons, digits))


def ended(client):
    """Return the id of a job that has been cancelled."""
    job = client.train("mnist-numpy", epochs=1000).cancel()
    list(job.events())  # until it has ended
    return job.id


def ended_sweep(client):
    """Return the id of a sweep that has succeeded."""
    return client.sweep(SPACE, **SWEEP).wait().id


def delivered(client, receiver):
    """Return the id of a job whose webhook has been told of its end."""
    job = client.train("mnist-numpy", epochs=1000, webhook=receiver.url).cancel()
    wait_until(
        lambda: any(one.id == job.id for one in client.webhooks.list(state="delivered").deliveries),
        what=f"the delivery of job {job.id}",
    )
    return job.id


def prepare(client, receiver, name, arguments):
    """Make what an operation is about, removes or stops; return the arguments."""
    match name:
        case "sweeps.cancel":
            return (client.sweep(SPACE, recipe="mnist-numpy", epochs=1000, trials=2).id,)
        case "sweeps.get" | "sweeps.events" | "sweeps.train_winner":
            return (ended_sweep(client),)
        case "predictions.get" | "predictions.result":
            model = client.models.get("latest-mnist").id
            return (client.job(client.predictions.start(model, "mnist")).wait().id,)
        case "webhooks.get" | "webhooks.retry":
            return (delivered(client, receiver),)
        case "aliases.get":
            gate = {"min_accuracy": 0.01}
            client.aliases.set("best", client.models.get("latest-mnist").id, gate=gate)
        case "aliases.rollback":
            for model in client.models.list(limit=2).models:
                client.aliases.set("best", model.id)
        case "aliases.delete":
            client.aliases.set("best", client.models.get("latest").id)
        case "datasets.delete":
            return (client.upload(IRIS.replace("6", "8").encode(), name="x").wait().dataset,)
        case "models.delete":
            return (client.train(**MOONS, seed=1).wait().model.ref,)
        case "jobs.cancel":
            return (client.train("mnist-numpy", epochs=1000).id,)
        case "jobs.delete":
            return (ended(client),)
    return arguments


def check(name, result, kind):
    if kind is Event:
        events = list(result)
        assert events[0].kind == "status"
        assert [event.final for event in events] == [False] * (len(events) - 1) + [True]
    elif kind is None:
        assert result is None
    else:
        assert isinstance(result, kind)
        assert len(result) > 0


@pytest.mark.parametrize("name", [*methods(AsyncClient())])
def test_a_real_server_understands_it(server, receiver, client, things, name):
    arguments, *options, kind = things.arguments(name)
    options = options[0] if options else {}

    async def ask(*given):
        async with AsyncClient(server.url) as asynchronous:
            method = methods(asynchronous)[name]
            if kind is Event:
                return [event async for event in method(*given, **options)]
            return await method(*given, **options)

    try:
        given = prepare(client, receiver, name, arguments)
        check(name, methods(client)[name](*given, **options), kind)
        check(name, asyncio.run(ask(*prepare(client, receiver, name, arguments))), kind)
    finally:
        if name == "system.drain_worker":
            client.system.resume_worker(things.worker)  # the next tests need it
