"""The command `stepbox`, as a process, against a real server and worker."""

import json
import os
import pty
import re
import signal
import subprocess
import sys
import termios
import zipfile
from contextlib import suppress

import numpy as np
import onnxruntime
import pytest
import requests

from stepbox import __version__
from stepbox.cli.main import COMMANDS
from stepbox.client import Client
from stepbox.training.request import TrainRequest
from tests.processes import PATIENCE_S, ROOT, free_port, stack_in, wait_until

pytestmark = pytest.mark.server

QUICK = ("playground", "--dataset", '{"generate": "moons"}', "--epochs", "1")
LONG = ("train", "mnist-numpy", "--epochs", "1000")
CSV = "a,b,label\n" + "".join(f"{i % 7},{i % 5},{'xy'[i % 2]}\n" for i in range(40))


# Longest time of a command. The slowest ones wait for several jobs, and load the engines.
HANGS_S = 5 * PATIENCE_S


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with stack_in(tmp_path_factory.mktemp("cli")) as stack:
        stack.start_redis()
        stack.start_worker()
        stack.start_service()
        stack.wait_for_worker()
        yield stack


def environment(url):
    variables = {"PYTHONPATH": str(ROOT), "STEPBOX_URL": url, "STEPBOX_TOKEN": ""}
    return {**os.environ, **variables}


@pytest.fixture
def run(server, tmp_path):
    """Return a function that runs the command to its end, in an empty folder."""

    def run(*arguments, status=0, url=server.url, **variables):
        finished = subprocess.run(
            [sys.executable, "-m", "stepbox", *arguments],
            cwd=tmp_path,
            env=environment(url) | variables,
            capture_output=True,
            text=True,
            timeout=HANGS_S,
        )
        assert finished.returncode == status, finished.stdout + finished.stderr
        assert "Traceback" not in finished.stderr
        return finished

    return run


def client_of(server):
    return Client(server.url, token="")


@pytest.fixture
def json_of(run):
    """Return a function that runs a command with ``--json``; it returns the documents."""

    def documents(*arguments, **options):
        return [
            json.loads(line) for line in run(*arguments, "--json", **options).stdout.splitlines()
        ]

    return documents


def test_train_watch_and_predict(run, server, tmp_path):
    done = run("train", "mnist-numpy", "--epochs", "1", "--hidden-sizes", "4", "--watch")
    id, result = done.stdout.splitlines()
    assert server.job(id)["recipe"]["hidden_sizes"] == [4]
    model = server.job(id)["model"]
    assert result.startswith(f"model {model}, test accuracy ")
    assert f"{id} succeeded" in done.stderr
    assert "epoch 1: test accuracy" in done.stderr
    image = tmp_path / "seven.png"
    image.write_bytes(requests.get(f"{server.url}/datasets/mnist/test/0.png", timeout=60).content)
    name, label, probability = run("predict", "seven.png").stdout.strip().split("\t")
    assert name == "seven.png"
    assert label in "0123456789"
    assert probability.endswith("%")
    assert model in run("models").stdout
    assert f"{model}\n" in run("model", "latest").stdout
    assert id in run("jobs", "--status", "succeeded").stdout
    assert run("watch", id).stdout.strip() == result


def test_json_of_every_command(json_of, server, tmp_path):
    (tmp_path / "Flowers.csv").write_text(CSV)
    first, *_, last = json_of("train", *QUICK, "--watch")
    assert first["event"] == "status"
    assert last["data"]["status"] == "succeeded"
    id, model = last["data"]["id"], last["data"]["model"]
    (job,) = json_of("train", *QUICK, "--title", "Mine", "--tags", "a,b", "--priority", "3")
    assert (job["title"], job["tags"], job["priority"]) == ("Mine", ["a", "b"], 3)
    assert json_of("watch", job["id"])[-1]["data"]["status"] == "succeeded"
    assert {one["id"] for one in json_of("jobs")[0]["jobs"]} >= {id, job["id"]}
    assert json_of("models", "--limit", "1")[0]["next"]
    assert json_of("model", model)[0]["id"] == model
    (cancelled,) = json_of("cancel", json_of(*LONG)[0]["id"])
    assert cancelled["recipe"]["epochs"] == 1000
    imported = json_of("data", "upload", "Flowers.csv", "--test", "0.5", "--watch")[-1]
    dataset = imported["data"]["dataset"]
    assert dataset in {one["id"] for one in json_of("data", "list")[0]["datasets"]}
    assert json_of("data", "delete", dataset) == [{"deleted": dataset}]
    point = tmp_path / "point.json"
    point.write_text('{"inputs": [[0.5, 0.5], [1, 0]]}')
    (answer,) = json_of("predict", "point.json", "--model", model)
    assert answer["file"] == "point.json"
    assert len(answer["predictions"]) == 2
    assert json_of("open", model) == [{"url": f"{server.url}/ui/models/{model}"}]
    assert json_of("open", id) == [{"url": f"{server.url}/ui/jobs/{id}"}]
    assert json_of("open") == [{"url": f"{server.url}/"}]
    assert json_of("version") == [{"stepbox": __version__, "server": __version__}]


SWEEP = """\
recipe: playground
title: 2026-11-30
dataset: {generate: moons}
epochs: 1
sampler: random
trials: 2
space:
  learning_rate: {low: 1e-2, high: 3e-1, log: true}
"""


def test_a_sweep_is_started_and_followed(run, json_of, server, tmp_path):
    (tmp_path / "sweep.yaml").write_text(SWEEP)
    done = run("sweep", "sweep.yaml", "--watch")
    id, result = done.stdout.splitlines()
    with client_of(server) as client:
        sweep = client.sweeps.get(id)
    assert sweep.search.space["learning_rate"].low == 0.01
    assert sweep.title == "2026-11-30"
    best = sweep.best
    assert result.startswith(f"model {sweep.model}, trial {best.number}, validation_loss ")
    assert json.loads(result.partition("{")[1] + result.partition("{")[2]) == best.params
    lines = done.stderr.splitlines()
    assert lines.count(f"{id} running") == 1
    assert lines[-1] == f"{id} succeeded"
    assert [line.partition(",")[0] for line in lines if " complete" in line] == [
        "trial 0 complete",
        "trial 1 complete",
        "winner complete",
    ]
    assert run("watch", id).stdout.strip() == result
    assert " sweep " in run("jobs").stdout
    assert json_of("open", id) == [{"url": f"{server.url}/ui/sweeps/{id}"}]
    assert "validation accuracy" in run("watch", best.job).stdout


def test_json_of_a_sweep(json_of, tmp_path):
    space = {"batch_size": {"choices": [8, 16]}}
    values = {"recipe": "playground", "dataset": {"generate": "moons"}, "epochs": 1, "trials": 1}
    (tmp_path / "sweep.json").write_text(json.dumps(values | {"space": space, "final": False}))
    (started,) = json_of("sweep", "sweep.json")
    assert started["search"]["trials"] == 1
    *_, last = json_of("watch", started["id"])
    assert (last["event"], last["data"]["status"]) == ("status", "succeeded")
    *_, last = json_of("sweep", "sweep.json", "--watch")
    assert last["data"]["kind"] == "sweep"
    (tmp_path / "sweep.json").write_text(json.dumps({"space": space, "epochs": 1000}))
    (started,) = json_of("sweep", "sweep.json")
    assert json_of("cancel", started["id"])[0]["id"] == started["id"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("space: [", "sweep.yaml cannot be read as JSON or YAML"),
        ("space: {}\ntrials: 2\ntrials: 3", "trials occurs twice\n.*line 3"),
        ('{"space": {"seed": 1, "seed": 2}}', "seed occurs twice"),
        ("", "must have the member space"),
        ("space: 3", "must have the member space"),
        ("space: {}\n3: 4", "the names of all members must be text"),
        ("space: {}\ntags: !!set {a}", "must have values of JSON only: .*set"),
        ("space: &a {b: *a}", "must have values of JSON only"),
        ("space: {}\nlearning_rate: .nan", "cannot be JSON"),
    ],
)
def test_a_file_that_describes_no_sweep(run, tmp_path, text, message):
    (tmp_path / "sweep.yaml").write_text(text)
    assert re.search(message, run("sweep", "sweep.yaml", status=2).stderr)


def test_a_sweep_that_the_server_refuses(run, tmp_path):
    (tmp_path / "sweep.yaml").write_text("space: {typo: {low: 1, high: 2}}")
    assert "/space" in run("sweep", "sweep.yaml", status=4).stderr
    assert "sweep.yml" in run("sweep", "sweep.yml", status=2).stderr


def test_export(run, json_of, tmp_path):
    (*_, last) = json_of("train", *QUICK, "--watch")
    model = last["data"]["model"]
    assert run("export", model, "-o", "moons.onnx").stdout == "moons.onnx\n"
    session = onnxruntime.InferenceSession(tmp_path / "moons.onnx")
    assert {one.name for one in session.get_outputs()} == {"probabilities", "logits"}
    run("export", model, "-o", "by_suffix.NPZ")
    assert ".npz" in run("export", model, "--format", "npz", "-o", "other.onnx", status=2).stderr
    assert not (tmp_path / "other.onnx").exists()
    with np.load(tmp_path / "by_suffix.NPZ", allow_pickle=False) as arrays:
        assert "0.weight" in arrays
    for format in ("npz", "torch"):
        found = json_of("export", model, "--format", format, "--output", f"moons.{format}")
        assert found == [{"file": f"moons.{format}"}]
        assert zipfile.is_zipfile(tmp_path / f"moons.{format}")
    assert "*.npz" in run("export", model, "-o", "moons.txt", status=2).stderr
    for missing in (("missing", "-o", "none.npz"), (model, "-o", "no/folder.npz")):
        status = 4 if missing[0] == "missing" else 2
        assert run("export", *missing, status=status).stderr
    assert run("export", model, status=2).stderr
    assert not (tmp_path / "none.npz").exists()


def test_the_result_of_other_jobs(run, server, tmp_path):
    with client_of(server) as client:
        model = client.train("playground", dataset={"generate": "moons"}, epochs=1).wait().model
        again = client.models.reproduce(model.ref)
        assert run("watch", again.id).stdout == "the same weights\n"
        predicted = client.predictions.upload(b"x,y\n0.5,0.5\n", model=model.ref)
    result = run("watch", predicted.id).stdout
    assert result == f"result /predictions/{predicted.id}/result\n"
    assert f"{model.ref} on an upload" in run("jobs").stdout


def test_every_field_of_a_request_is_an_option(run):
    text = run("train", "--help").stdout
    for name in TrainRequest.model_fields.keys() - {"recipe"}:
        assert f"--{name.replace('_', '-')} " in text


@pytest.mark.parametrize(
    ("option", "text", "wanted"),
    [
        ("--epochs", "many", "a whole number"),
        ("--early-stopping", "x", "a whole number or null"),
        ("--hidden-sizes", "32,x", "a list such as 32,16 or null"),
        ("--dataset", "{generate: moons}", "text or a JSON object"),
        ("--requires", "gpu", "a JSON object"),
    ],
)
def test_values_of_the_wrong_type(run, option, text, wanted):
    said = f"'{option}': must be {wanted}, but is {text!r}"
    assert said in run("train", option, text, status=2).stderr


def test_each_file_that_cannot_be_predicted_is_named(run, server, tmp_path):
    image = requests.get(f"{server.url}/datasets/mnist/test/0.png", timeout=60).content
    with client_of(server) as client:
        model = client.train("mnist-numpy", hidden_sizes=[], epochs=1).wait().record.model
    (tmp_path / "a.png").write_bytes(b"no image")
    (tmp_path / "b.png").write_bytes(image)
    (tmp_path / "c.bin").write_bytes(b"?")
    done = run("predict", "a.png", "b.png", "c.bin", "--model", model, status=4)
    assert [line.split("\t")[0] for line in done.stdout.splitlines()] == ["b.png"]
    first, second = done.stderr.splitlines()
    assert first.startswith("stepbox: a.png: is not an image")
    assert second.startswith("stepbox: c.bin: Content-Type must be ")


def test_values_of_fields(json_of):
    (job,) = json_of(
        *("train", "mnist-numpy", "--no-shuffle", "--layers", '[{"type": "dense", "neurons": 3}]'),
        *("--validation", "0.1", "--early-stopping", "null", "--activation", "tanh"),
        *("--requires", '{"device": "cpu"}', "--epochs", "1000"),
    )
    json_of("cancel", job["id"])
    recipe = job["recipe"]
    assert recipe["layers"] == [{"type": "dense", "neurons": 3}]
    assert (recipe["shuffle"], recipe["early_stopping"]) == (False, None)
    assert (recipe["validation"], recipe["activation"]) == (0.1, "tanh")
    assert job["requires"]["device"] == "cpu"


def test_exit_codes(run, json_of, tmp_path):
    (tmp_path / "one.csv").write_text("a,label\n1,x\n2,x\n")
    failed = run("data", "upload", "one.csv", "--watch", status=1)
    assert "failed: the upload has only the class 'x'" in failed.stderr.replace("/: ", "")
    for arguments in (
        ("unknown",),
        ("train", "no-such-recipe"),
        ("train", "--epochs", "many"),
        ("train", "--layers", "[1"),
        ("train", "--save", "here"),
        ("train", "--local", "--title", "a"),
        ("train", "--local", "--epochs", "0"),
        ("predict",),
        ("predict", "missing.png"),
        ("jobs", "--url", "nowhere"),
    ):
        assert run(*arguments, status=2).stderr
    nowhere = f"http://127.0.0.1:{free_port()}"
    assert nowhere in run("jobs", status=3, url=nowhere).stderr
    assert nowhere in run("jobs", "--url", nowhere, status=3).stderr
    assert "/epochs: " in run("train", "--epochs", "0", status=4).stderr
    assert "job" in run("watch", "0" * 16, status=4).stderr
    assert "m-0" in run("open", "m-0", status=4).stderr
    (job,) = json_of(*LONG)
    run("cancel", job["id"])
    assert "was cancelled" in run("watch", job["id"], status=1).stderr


def test_train_without_a_server(run, data_of, tmp_path):
    nowhere = f"http://127.0.0.1:{free_port()}"
    arguments = ("train", "mnist-numpy", "--local", "--epochs", "1", "--hidden-sizes", "4")
    done = run(*arguments, "--save", "digits", "--json", url=nowhere, **data_of)
    result = json.loads(done.stdout)
    assert result["folder"] == "digits"
    assert result["test_accuracy"] > 0.5
    card = json.loads((tmp_path / "digits" / "card.json").read_text())
    assert card["id"] == result["model"]
    assert "exists" in run(*arguments, "--save", "digits", status=2, url=nowhere, **data_of).stderr


@pytest.fixture
def data_of(server):
    return {"STEPBOX_DATA_DIR": server.environment["STEPBOX_DATA_DIR"]}


def test_ctrl_c_leaves_the_job_running(server, tmp_path):
    process = subprocess.Popen(
        [sys.executable, "-m", "stepbox", *LONG, "--watch"],
        env=environment(server.url),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        id = process.stdout.readline().strip()
        for line in process.stderr:
            if "running" in line:
                break
        process.send_signal(signal.SIGINT)
        _, messages = process.communicate(timeout=HANGS_S)
    finally:
        process.kill()
    assert process.returncode == 130
    assert f"Job {id} goes on. Follow it with: stepbox watch {id}" in messages
    assert "Traceback" not in messages
    assert server.job(id)["status"] in ("queued", "running")  # queued: its worker hung for long
    requests.post(f"{server.url}/jobs/{id}/cancel", timeout=60)
    wait_until(lambda: server.job(id)["status"] == "cancelled")


def in_terminal(server, folder, *arguments):
    """Run a command whose messages go to a terminal; return the lines it prints, and what shows."""
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (24, 120))
    process = subprocess.Popen(
        [sys.executable, "-m", "stepbox", *arguments],
        cwd=folder,
        env=environment(server.url),
        stdout=subprocess.PIPE,
        stderr=theirs,
        text=True,
    )
    os.close(theirs)
    shown = b""
    with suppress(OSError):  # the terminal ends with the process
        while block := os.read(ours, 4096):
            shown += block
    os.close(ours)
    printed, _ = process.communicate(timeout=HANGS_S)
    assert process.returncode == 0
    return printed.splitlines(), shown.decode()


def test_a_terminal_gets_a_bar(server, tmp_path):
    (id, result), shown = in_terminal(server, tmp_path, "train", *QUICK, "--watch")
    assert f"{id} succeeded: 100%|" in shown
    assert "epoch 1, test accuracy" in shown
    assert result.startswith("model m-")


def test_a_terminal_gets_a_bar_of_the_trials(server, tmp_path):
    (tmp_path / "sweep.yaml").write_text(SWEEP)
    (id, result), shown = in_terminal(server, tmp_path, "sweep", "sweep.yaml", "--watch")
    assert f"{id} succeeded: 100%|" in shown
    assert "2 of 2 trials" in shown
    assert result.startswith("model m-")


def complete(run, words):
    text = f"stepbox {words}"
    variables = {
        "_STEPBOX_COMPLETE": "bash_complete",
        "COMP_WORDS": text,
        "COMP_CWORD": str(len(text.split(" ")) - 1),
    }
    found = run(**variables).stdout.splitlines()
    return [line.partition(",")[2] for line in found]


def test_completion(run):
    assert complete(run, "") == [*COMMANDS]
    assert complete(run, "mod") == ["models", "model"]
    assert "fashion-mnist-torch" in complete(run, "train ")
    assert complete(run, "train --early") == ["--early-stopping"]
    assert complete(run, "train --optimizer ad") == ["adamw"]
    for shell in ("bash", "zsh", "fish"):
        assert "_STEPBOX_COMPLETE" in run("completion", shell).stdout


def test_a_reader_that_leaves_gets_no_traceback(server):
    reader, writer = os.pipe()
    os.close(reader)  # as after `stepbox jobs | head`
    try:
        finished = subprocess.run(
            [sys.executable, "-m", "stepbox", "jobs", "--json"],
            env=environment(server.url),
            stdout=writer,
            stderr=subprocess.PIPE,
            timeout=HANGS_S,
        )
    finally:
        os.close(writer)
    assert finished.stderr == b""
