import json
import os
import re
import signal
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import pytest
import requests
from prometheus_client.parser import text_string_to_metric_families

from service.app import create_app
from service.metrics.counts import count_predictions
from service.metrics.tally import Tally, totals
from tests.problems import check_problem
from tests.processes import ROOT, wait_until
from tests.service.conftest import publish

DASHBOARD = ROOT / "monitoring" / "grafana-dashboard.json"
READ = "r" * 16
NO_RECOVERIES = {
    ("process",): 0, ("memory",): 0, ("stop",): 0, ("store",): 0, ("lease",): 0,
}  # fmt: skip


def parse(text):
    """Parse Prometheus's format: {name: {label values, sorted by label: number}}."""
    samples = defaultdict(dict)
    for family in text_string_to_metric_families(text):
        assert family.documentation, family.name
        for sample in family.samples:
            labels = tuple(value for _, value in sorted(sample.labels.items()))
            assert labels not in samples[sample.name], sample
            samples[sample.name][labels] = sample.value
    return samples


def scrape(stack):
    answer = requests.get(f"{stack.url}/metrics", timeout=10)
    assert answer.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    return parse(answer.text)


def test_metrics_sum_over_all_processes(own_stack, jobs):
    own_stack.start_worker()
    service = own_stack.start_service()
    job = own_stack.wait_for(own_stack.train(epochs=2, hidden_sizes=[2])["id"])
    image = requests.get(f"{own_stack.url}/datasets/mnist/test/0.png", timeout=10).content

    def predict(body):
        headers = {"Content-Type": "image/png"}
        url = f"{own_stack.url}/predict"
        return requests.post(url, data=body, headers=headers, timeout=10).status_code

    first, second = wait_until(lambda: len(found := service.children()) == 2 and found)
    for paused in (first, second):  # so that each process answers seven requests
        os.kill(paused, signal.SIGSTOP)
        assert [predict(image) for _ in range(5)] == [200] * 5
        assert [predict(b"no image") for _ in range(2)] == [422] * 2
        os.kill(paused, signal.SIGCONT)

    wait_until(jobs.workers, what="a heartbeat of the worker")
    samples = scrape(own_stack)
    assert named_in_dashboard() <= {*samples}
    assert sum(samples["stepbox_predictions_total"].values()) == 10
    responses = samples["stepbox_http_requests_total"]
    assert responses["POST", "/predict", "200"] == 10
    assert responses["POST", "/predict", "422"] == 4
    assert responses["POST", "/train", "202"] == 1
    assert samples["stepbox_http_request_duration_seconds_count"]["POST", "/predict"] == 14
    buckets = samples["stepbox_http_request_duration_seconds_bucket"]
    assert buckets["+Inf", "POST", "/predict"] == 14
    assert 0 < samples["stepbox_http_request_duration_seconds_sum"]["POST", "/predict"] < 60

    assert samples["stepbox_redis_up"][()] == 1
    assert samples["stepbox_workers"][()] == 1
    assert samples["stepbox_workers_draining"][()] == 0
    assert samples["stepbox_jobs_submitted_total"][()] == 1
    assert samples["stepbox_jobs"] == {
        ("queued",): 0, ("running",): 0, ("succeeded",): 1, ("failed",): 0, ("cancelled",): 0,
    }  # fmt: skip
    assert samples["stepbox_jobs_queued"][()] == 0
    assert samples["stepbox_job_recoveries_total"] == NO_RECOVERIES
    last = job["history"][-1]["seconds"]
    assert samples["stepbox_epoch_duration_seconds_count"]["numpy",] == 2
    assert samples["stepbox_epoch_duration_seconds_sum"]["numpy",] == pytest.approx(
        sum(entry["seconds"] for entry in job["history"][1:])
    )
    assert samples["stepbox_training_samples_total"]["numpy",] == 120_000
    assert samples["stepbox_training_samples_per_second"]["numpy",] == pytest.approx(60_000 / last)

    for pid in (first, second):
        os.kill(pid, signal.SIGKILL)
    wait_until(lambda: not {first, second} & {*service.children()}, what="new processes")
    after = scrape(own_stack)["stepbox_http_requests_total"]
    assert {labels: after[labels] for labels in responses} == responses
    assert after["GET", "/metrics", "200"] == 1


def test_a_killed_training_counts_as_a_recovery(own_stack, jobs):
    own_stack.start_worker()
    own_stack.start_service()
    waiting = [own_stack.train(epochs=1000, hidden_sizes=[8])["id"] for _ in range(3)]
    wait_until(lambda: len(own_stack.job(waiting[0])["history"]) >= 2)
    samples = scrape(own_stack)
    assert samples["stepbox_jobs_queued"][()] == samples["stepbox_jobs"]["queued",] == 2
    assert samples["stepbox_oldest_queued_job_age_seconds"][()] > 0
    ((_, _, owner),) = jobs.owners()
    os.kill(owner["pid"], signal.SIGKILL)
    wait_until(lambda: own_stack.job(waiting[0])["attempts"] == 2)
    assert scrape(own_stack)["stepbox_job_recoveries_total"] == NO_RECOVERIES | {("process",): 1}
    for id in waiting:
        requests.post(f"{own_stack.url}/jobs/{id}/cancel", timeout=10)
        own_stack.wait_for(id)
    assert scrape(own_stack)["stepbox_jobs"]["cancelled",] == 3


def named_in_dashboard():
    expressions = [
        target["expr"]
        for panel in json.loads(DASHBOARD.read_text())["panels"]
        for target in panel.get("targets", [])
    ]
    assert len(expressions) > 10
    return {name for text in expressions for name in re.findall(r"stepbox_\w+", text)}


def test_predictions_are_counted_by_model_and_class(client, backend):
    kept, deleted = publish(backend, "fashion-mnist-torch")[0], publish(backend)[0]
    count_predictions(kept, 10, [9])
    count_predictions(kept, 10, [9] * 40 + [0])
    count_predictions(deleted, 10, [3])
    counts = parse(client.get("/metrics").text)["stepbox_predictions_total"]
    assert {labels: count for labels, count in counts.items() if count} == {
        ("Ankle boot", kept): 41, ("T-shirt/top", kept): 1, ("3", deleted): 1,
    }  # fmt: skip
    assert client.delete(f"/models/{deleted}").status_code == 204
    counts = parse(client.get("/metrics").text)["stepbox_predictions_total"]
    assert {model for _, model in counts} == {kept}


def test_counts_of_ended_processes_remain(tmp_path):
    code = """
import os, signal
import numpy as np
from service.metrics.counts import count_predictions, observe
for _ in range(1000):
    observe("/predict", "POST", 200, 0.002)
    count_predictions("m-1", 10, [7])
if os.fork() == 0:
    count_predictions("m-1", 10, [8])
    os._exit(0)
os.wait()
os.kill(os.getpid(), signal.SIGKILL)
"""
    environment = {**os.environ, "STEPBOX_TALLY_DIR": str(tmp_path)}
    started = [
        subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, env=environment) for _ in range(2)
    ]
    assert [process.wait() for process in started] == [-signal.SIGKILL] * 2
    counts = totals(tmp_path)
    seconds, *buckets = counts["request", "/predict", "POST", 200]
    assert seconds == pytest.approx(4)
    assert buckets == [0, 0, 2000, 0, 0, 0, 0, 0, 0, 0, 0]
    assert counts["prediction", "m-1"] == [0, 0, 0, 0, 0, 0, 0, 2000, 2, 0]


def test_keys_beyond_the_capacity_are_left_out(tmp_path, monkeypatch):
    monkeypatch.setattr("service.metrics.tally.MOST", 3)
    tally = Tally(tmp_path)
    for key in ("a", "b"):
        tally.block((key,), 2)[1] += 1
    assert totals(tmp_path) == {("a",): [0, 1]}


def test_a_partly_written_key_is_ignored(tmp_path):
    Tally(tmp_path).block(("a",))[0] += 1
    (file,) = tmp_path.iterdir()
    with file.open("ab") as end:
        end.write(b'[["b"')
    assert totals(tmp_path) == {("a",): [1]}


def test_names_made_up_by_clients_are_not_labels(client):
    client.get("/nowhere/at-all")
    client.open("/models", method="FOOBAR")
    client.get("/models/m-0123456789ab")
    text = client.get("/metrics").text
    for made_up in ("nowhere", "FOOBAR", "m-0123456789ab"):
        assert made_up not in text
    counts = parse(text)["stepbox_http_requests_total"]
    assert counts["GET", "other", "404"] >= 1
    assert counts["other", "other", "405"] >= 1
    assert counts["GET", "/models/<ref>", "404"] >= 1


def test_without_redis_the_metrics_of_the_api_remain(client):
    client.get("/livez")
    samples = parse(client.get("/metrics").text)
    assert samples["stepbox_redis_up"][()] == 0
    assert samples["stepbox_http_requests_total"]["GET", "/livez", "200"] >= 1
    assert "stepbox_jobs" not in samples


def test_metrics_need_a_read_token(app):
    settings = app.extensions["stepbox"].settings
    guarded = create_app(settings.model_copy(update={"tokens": f"read:{READ}"})).test_client()
    check_problem(guarded.get("/metrics"), 401)
    answer = guarded.get("/metrics", headers={"Authorization": f"Bearer {READ}"})
    assert answer.status_code == 200


def test_gunicorn_removes_the_folder_of_counts(own_stack):
    service = own_stack.start_service()

    def mapped():
        maps = "".join(Path(f"/proc/{pid}/maps").read_text() for pid in service.children())
        return {*re.findall(r"(/dev/shm/stepbox-tally-\w+)/", maps)}

    (folder,) = wait_until(mapped, what="the file of a process that has counted a request")
    assert Path(folder).is_dir()
    assert service.stop() == 0
    assert not Path(folder).exists()
