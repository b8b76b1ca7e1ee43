"""`stepbox mlflow` against a real server and worker, and a real tracking server with SQLite."""

import json
import os
import signal
import subprocess
import sys
from functools import partial

import numpy as np
import pytest
import requests

from tests.processes import PATIENCE_S, ROOT, Process, free_port, stack_in, wait_until

pytestmark = pytest.mark.server

HANGS_S = 5 * PATIENCE_S  # longest time of a command
MOONS = {"recipe": "playground", "dataset": {"generate": "moons"}, "epochs": 1}
DIVERGES = MOONS | {"hidden_sizes": [64] * 3, "activation": "relu", "learning_rate": 10.0}
LONG = {"recipe": "mnist-numpy", "epochs": 1000}
# Loads a model by its address, and prints its predictions for the samples on the input.
LOAD = """
import json, sys
import mlflow, numpy
model = mlflow.pyfunc.load_model(sys.argv[1])
samples = numpy.array(json.load(sys.stdin), sys.argv[2])
found = model.predict(samples)
print(json.dumps({name: values.tolist() for name, values in found.items()}))
"""


class Tracking:
    """A tracking server."""

    def __init__(self, stack):
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._stack, self._folder = stack, stack.folder / "mlflow"
        self._folder.mkdir()
        # Jobs of MLflow need a package that its smaller distribution does not install.
        stack.environment |= {
            "MLFLOW_DISABLE_TELEMETRY": "true",
            "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
        }
        self.start()

    def start(self):
        command = f"-m mlflow server --host 127.0.0.1 --port {self.port} --workers 1"
        self._process = self._stack.start(
            "mlflow",
            sys.executable,
            *command.split(),
            *("--backend-store-uri", f"sqlite:///{self._folder}/runs.db"),
            *("--artifacts-destination", str(self._folder / "artifacts")),
        )
        wait_until(self._answers, seconds=3 * PATIENCE_S, what="the tracking server to answer")

    def kill(self):
        self._process.kill_group()

    def _answers(self):
        try:
            return requests.get(f"{self.url}/health", timeout=5).ok
        except requests.RequestException:
            return False

    def ask(self, path, method="POST", **values):
        body = {"params" if method == "GET" else "json": values}
        url = f"{self.url}/api/2.0/mlflow/{path}"
        answer = requests.request(method, url, timeout=60, **body)
        assert answer.ok, answer.text
        return answer.json()

    def experiment(self, name):
        found = self.ask("experiments/search", max_results=100).get("experiments", [])
        return next((one["experiment_id"] for one in found if one["name"] == name), None)

    def runs(self, experiment):
        """Return all runs that are not deleted, by their jobs: lists of them."""
        id = self.experiment(experiment)
        runs = {}
        if id is not None:
            for run in self.ask("runs/search", experiment_ids=[id]).get("runs", []):
                runs.setdefault(pairs(run["data"]["tags"])["stepbox.job"], []).append(run)
        return runs

    def run(self, experiment, job):
        (run,) = self.runs(experiment)[job]
        return run

    def models(self, experiment):
        found = self.ask("logged-models/search", experiment_ids=[self.experiment(experiment)])
        return found.get("models", [])

    def history(self, run, key):
        id = run["info"]["run_id"]
        found = self.ask("metrics/get-history", "GET", run_id=id, metric_key=key)
        return [(one["step"], one["value"], one["timestamp"]) for one in found["metrics"]]

    def everything(self, experiment):
        """Return all that there is about the runs of an experiment and their models."""
        found = self.runs(experiment)
        histories = {
            job: {key: self.history(run, key) for key in pairs(run["data"].get("metrics", []))}
            for job, (run,) in found.items()
        }
        return found, histories, self.models(experiment)


def pairs(entries):
    return {entry["key"]: entry["value"] for entry in entries}


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with stack_in(tmp_path_factory.mktemp("mlflow")) as stack:
        stack.start_redis()
        stack.start_worker()
        stack.api = stack.start_service()
        stack.wait_for_worker()
        yield stack


@pytest.fixture(scope="module")
def tracking(server):
    return Tracking(server)


def environment(server, **variables):
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    ours = {"PYTHONPATH": path, "STEPBOX_URL": server.url, "STEPBOX_TOKEN": ""}
    return {**server.environment, **ours, **variables}


@pytest.fixture
def going_on(server):
    """Return a function that starts a job that goes on; it is cancelled after the test."""
    started = []

    def start():
        started.append(server.train(**LONG)["id"])
        return started[-1]

    yield start
    for id in started:
        cancel(server, id)


def cancel(server, id):
    requests.post(f"{server.url}/jobs/{id}/cancel", timeout=60)
    server.wait_for(id)


@pytest.fixture
def run(server, tracking, request):
    """Return a function that runs the command; each test has an experiment of its own."""

    def run(*arguments, status=0, **variables):
        variables = {"MLFLOW_TRACKING_URI": tracking.url} | variables
        finished = subprocess.run(
            [sys.executable, "-m", "stepbox", "mlflow", *arguments],
            env=environment(server, MLFLOW_EXPERIMENT_NAME=request.node.name, **variables),
            capture_output=True,
            text=True,
            timeout=HANGS_S,
        )
        assert finished.returncode == status, finished.stdout + finished.stderr
        assert "Traceback" not in finished.stderr
        return finished

    return run


def documents(finished):
    return [json.loads(line) for line in finished.stdout.splitlines()]


def predicted(server, tracking, address, samples):
    finished = subprocess.run(
        [sys.executable, "-c", LOAD, address, str(samples.dtype)],
        input=json.dumps(samples.tolist()),
        env=environment(server, MLFLOW_TRACKING_URI=tracking.url, MLFLOW_DISABLE_TELEMETRY="true"),
        capture_output=True,
        text=True,
        timeout=HANGS_S,
    )
    assert finished.returncode == 0, finished.stderr
    return json.loads(finished.stdout.splitlines()[-1])["probabilities"]


def test_a_training_and_its_model(run, server, tracking, request):
    id = server.train(recipe="mnist-numpy", epochs=2, hidden_sizes=[4], title="Small")["id"]
    job = server.wait_for(id)
    (logged,) = documents(run(id, "--json"))
    found = tracking.run(request.node.name, id)
    assert logged["job"] == id
    assert logged["run"] == found["info"]["run_id"]
    assert logged["url"].startswith(f"{tracking.url}/#/experiments/")
    assert (found["info"]["status"], found["info"]["run_name"]) == ("FINISHED", "Small")
    assert found["info"]["start_time"] < found["info"]["end_time"]
    params, metrics = pairs(found["data"]["params"]), pairs(found["data"]["metrics"])
    assert params.keys() == job["recipe"].keys()
    assert (params["hidden_sizes"], params["learning_rate"]) == ("[4]", "0.03")
    history = tracking.history(found, "test_accuracy")
    assert [entry[:2] for entry in history] == [
        (entry["epoch"], entry["test_accuracy"]) for entry in job["history"]
    ]
    times = [entry[2] for entry in history]
    assert times == sorted(times)
    assert found["info"]["start_time"] <= times[0]
    assert times[-1] <= found["info"]["end_time"]
    assert metrics["evaluation.accuracy"] == job["history"][-1]["test_accuracy"]
    tags = pairs(found["data"]["tags"])
    assert tags["stepbox.model"] == job["model"]
    assert tags["stepbox.url"] == f"{server.url}/ui/jobs/{id}"
    assert requests.get(tags["stepbox.url"], timeout=60).ok
    images = np.random.default_rng(0).integers(0, 256, (5, 28, 28)).astype(np.uint8)
    answer = requests.post(
        f"{server.url}/predict?model={job['model']}&invert=never&fit=none",
        json={"images": images.tolist()},
        timeout=60,
    ).json()
    wanted = [prediction["probabilities"] for prediction in answer["predictions"]]
    (model,) = tracking.models(request.node.name)
    assert model["info"]["status"] == "LOGGED_MODEL_READY"
    for address in (f"runs:/{logged['run']}/model", f"models:/{model['info']['model_id']}"):
        found = predicted(server, tracking, address, images)
        np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-5)


def test_all_jobs_that_have_ended(run, server, tracking, going_on, request):
    """A sweep with its trials, a failed job and a cancelled one; once each."""
    space = {"learning_rate": {"choices": [0.01, 0.1]}}
    body = MOONS | {"space": space, "sampler": "grid", "trials": 2}
    sweep = requests.post(f"{server.url}/sweeps", json=body, timeout=60).json()["id"]
    server.wait_for(sweep)
    failed = server.train(**DIVERGES)["id"]
    server.wait_for(failed, "failed")
    cancelled, last = going_on(), going_on()
    cancel(server, cancelled)
    server.wait_for(last, "running")
    logged = documents(run("--json"))
    assert last not in {one["job"] for one in logged}
    statuses = {one["job"]: one["status"] for one in logged}
    runs = tracking.runs(request.node.name)
    assert statuses.keys() == runs.keys()
    assert {job for job, found in runs.items() if len(found) != 1} == set()
    assert runs[cancelled][0]["info"]["status"] == "KILLED"
    assert runs[failed][0]["info"]["status"] == "FAILED"
    assert "diverged" in pairs(runs[failed][0]["data"]["tags"])["stepbox.error"]
    parent = runs[sweep][0]
    assert pairs(parent["data"]["params"])["search.trials"] == "2"
    children = [
        pairs(found["data"]["tags"])
        for (found,) in runs.values()
        if pairs(found["data"]["tags"]).get("mlflow.parentRunId") == parent["info"]["run_id"]
    ]
    assert sorted(tags.get("stepbox.trial", "winner") for tags in children) == ["0", "1", "winner"]
    before = tracking.everything(request.node.name)
    assert run("--json").stdout == ""
    again = documents(run(sweep, failed, "--json"))
    assert len(again) == 5  # the sweep with two trials and the winner, and the failed job
    assert tracking.everything(request.node.name) == before
    cancel(server, last)
    assert [one["job"] for one in documents(run("--json"))] == [last]


def test_an_interrupted_run_is_completed(run, server, tracking, request):
    """It has a part of everything: a parameter, an epoch, and a model without files."""
    id = server.train(**MOONS)["id"]
    job = server.wait_for(id)
    run(id)  # to know what a complete run has
    before, histories, _ = tracking.everything(request.node.name)
    complete = before[id][0]
    tracking.ask("runs/delete", run_id=complete["info"]["run_id"])
    assert tracking.runs(request.node.name) == {}
    experiment = tracking.experiment(request.node.name)
    tags = [{"key": "stepbox.job", "value": id}]
    start = complete["info"]["start_time"]
    begun = tracking.ask("runs/create", experiment_id=experiment, start_time=start, tags=tags)
    part = begun["run"]["info"]["run_id"]
    step, value, time = histories[id]["test_loss"][0]
    point = {"key": "test_loss", "step": step, "value": value, "timestamp": time}
    parameter = complete["data"]["params"][0]
    tracking.ask("runs/log-batch", run_id=part, metrics=[point], params=[parameter])
    model = tracking.ask(
        "logged-models", experiment_id=experiment, name="model", source_run_id=part
    )["model"]["info"]["model_id"]
    assert id in {one["job"] for one in documents(run("--json"))}
    found, now, models = tracking.everything(request.node.name)
    assert found[id][0]["info"]["run_id"] == part
    assert found[id][0]["info"]["status"] == "FINISHED"
    assert pairs(found[id][0]["data"]["params"]) == pairs(complete["data"]["params"])
    assert now[id] == histories[id]
    (ours,) = [one["info"] for one in models if one["info"]["source_run_id"] == part]
    assert (ours["model_id"], ours["status"]) == (model, "LOGGED_MODEL_READY")
    points = np.array([[0.5, 0.5], [1.0, 0.0]])
    answer = requests.post(
        f"{server.url}/predict?model={job['model']}", json={"inputs": points.tolist()}, timeout=60
    ).json()
    wanted = [prediction["probabilities"] for prediction in answer["predictions"]]
    found = predicted(server, tracking, f"models:/{model}", points)
    np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-5)


def test_a_command_that_was_killed(run, server, tracking, request):
    """It is killed as soon as it has made a run, whatever else it has written then."""
    id = server.train(**MOONS)["id"]
    server.wait_for(id)
    name = request.node.name
    variables = {"MLFLOW_TRACKING_URI": tracking.url, "MLFLOW_EXPERIMENT_NAME": name}
    command = [sys.executable, "-m", "stepbox", "mlflow", id]
    killed = subprocess.Popen(command, env=environment(server, **variables))
    wait_until(lambda: tracking.runs(name), seconds=HANGS_S, every=0.01, what="a run")
    killed.kill()
    killed.wait()
    run()
    assert tracking.run(name, id)["info"]["status"] == "FINISHED"
    assert len([one for one in tracking.models(name) if is_of(one, tracking.run(name, id))]) == 1
    before = tracking.everything(name)
    run(id)
    assert tracking.everything(name) == before


def is_of(model, run):
    return model["info"]["source_run_id"] == run["info"]["run_id"]


def test_two_runs_of_a_job_become_one(run, server, tracking, request):
    id = server.train(**MOONS)["id"]
    server.wait_for(id)
    run(id)
    experiment = tracking.experiment(request.node.name)
    tags = [{"key": "stepbox.job", "value": id}]
    tracking.ask("runs/create", experiment_id=experiment, tags=tags)
    assert len(tracking.runs(request.node.name)[id]) == 2
    run()
    assert tracking.run(request.node.name, id)["info"]["status"] == "FINISHED"
    assert run().stdout == ""


def test_two_commands_at_once(run, server, tracking, request):
    jobs = {server.train(**MOONS, seed=seed)["id"] for seed in range(3)}
    for job in jobs:
        server.wait_for(job)
    variables = {"MLFLOW_TRACKING_URI": tracking.url, "MLFLOW_EXPERIMENT_NAME": request.node.name}
    command = [sys.executable, "-m", "stepbox", "mlflow"]
    both = [
        subprocess.Popen(command, env=environment(server, **variables), stdout=subprocess.DEVNULL)
        for _ in range(2)
    ]
    for one in both:
        # 1: the other one kept another run; 3: the database of the tracking server was locked.
        assert one.wait(HANGS_S) in (0, 1, 3)
    run()
    runs = tracking.runs(request.node.name)
    assert jobs <= runs.keys()
    assert {(len(found), found[0]["info"]["status"] == "RUNNING") for found in runs.values()} == {
        (1, False)
    }


def test_a_deleted_run_stays_deleted_unless_its_job_is_named(run, server, tracking, request):
    id = server.train(**MOONS)["id"]
    server.wait_for(id)
    run(id)
    tracking.ask("runs/delete", run_id=tracking.run(request.node.name, id)["info"]["run_id"])
    assert id not in {one["job"] for one in documents(run("--json"))}
    run(id)
    assert tracking.run(request.node.name, id)["info"]["status"] == "FINISHED"


def test_a_model_that_was_deleted(run, server, tracking, request):
    id = server.train(**MOONS)["id"]
    model = server.wait_for(id)["model"]
    assert requests.delete(f"{server.url}/models/{model}", timeout=60).status_code == 204
    finished = run(id, "--json")
    assert "has no model" in finished.stderr
    assert model in documents(finished)[0]["why_no_model"]
    found = tracking.run(request.node.name, id)
    assert found["info"]["status"] == "FINISHED"
    assert model in pairs(found["data"]["tags"])["stepbox.why_no_model"]
    assert tracking.models(request.node.name) == []


def test_watch_survives_restarts_of_both_servers(server, tracking, request):
    name = request.node.name
    first = server.train(**MOONS)["id"]
    variables = {"MLFLOW_TRACKING_URI": tracking.url, "MLFLOW_EXPERIMENT_NAME": name}
    command = [sys.executable, "-m", "stepbox", "mlflow", "--watch"]
    log = server.folder / "watch.log"
    watching = Process(command, environment(server, **variables), log)
    request.addfinalizer(watching.kill_group)
    is_logged = partial(has_ended, tracking, name)
    wait_until(lambda: is_logged(first), seconds=HANGS_S, what="the first job to be logged")
    tracking.kill()
    second = server.train(**MOONS)["id"]
    server.wait_for(second)
    wait_until(lambda: "tried again" in log.read_text(), seconds=HANGS_S, what="a message")
    tracking.start()
    wait_until(lambda: is_logged(second), seconds=HANGS_S, what="the second job to be logged")
    assert watching.running()
    server.api.kill_group()
    wait_until(lambda: log.read_text().count("tried again") > 1, seconds=HANGS_S, what="a message")
    server.api = server.start_service()
    third = server.train(**MOONS)["id"]
    wait_until(lambda: is_logged(third), seconds=HANGS_S, what="the third job to be logged")
    assert watching.stop(signal.SIGINT) == 130
    assert {len(found) for found in tracking.runs(name).values()} == {1}


def has_ended(tracking, experiment, job):
    runs = tracking.runs(experiment).get(job, [])
    return [run["info"]["status"] for run in runs] == ["FINISHED"]


def test_errors(run, going_on):
    id = going_on()
    assert "it is logged when it has ended" in run(id, status=1).stderr
    assert "--tracking-uri" in run(status=2, MLFLOW_TRACKING_URI="").stderr
    wrong = run(status=2, MLFLOW_TRACKING_URI="./runs").stderr
    assert "must be the address of a tracking server" in wrong
    assert "name none" in run(id, "--watch", status=2).stderr
    nobody = f"http://me:secret@127.0.0.1:{free_port()}"
    unreachable = run(status=3, MLFLOW_TRACKING_URI=nobody).stderr
    assert nobody.rpartition(":")[2] in unreachable
    assert "secret" not in unreachable
    assert "0000000000000000" in run("0" * 16, status=4).stderr


def test_without_mlflow(server):
    code = (
        "import sys; sys.modules['mlflow'] = None\n"
        "from stepbox.cli.main import main\n"
        "main(['mlflow', '--tracking-uri', 'http://127.0.0.1:1'])"
    )
    finished = subprocess.run(
        [sys.executable, "-c", code], env=environment(server), capture_output=True, text=True
    )
    assert finished.returncode == 1
    assert "pip install 'stepbox[mlflow]'" in finished.stderr


def test_mlflow_is_imported_late_and_sends_no_usage_data(server):
    code = (
        "import sys\n"
        "import stepbox, stepbox.cli.mlflow\n"
        "assert 'mlflow' not in sys.modules\n"
        "from stepbox.mlflow.tracker import Tracker\n"
        "Tracker('http://127.0.0.1:1', 'any')\n"
        "from mlflow.telemetry.client import get_telemetry_client\n"
        "from mlflow.telemetry.utils import is_telemetry_disabled\n"
        "assert is_telemetry_disabled() and get_telemetry_client() is None\n"
    )
    hidden = ("CI", "MLFLOW_DISABLE_TELEMETRY", "PYTEST_CURRENT_TEST", "DO_NOT_TRACK")
    variables = environment(server)
    variables = {name: value for name, value in variables.items() if name not in hidden}
    subprocess.run([sys.executable, "-c", code], env=variables, check=True)
