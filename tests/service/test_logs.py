import json
import logging
import os
import re
import signal

import pytest
import requests

from jobs.logs import FORMATTERS, about
from service.logs import request_id_of
from stepbox.training.presets import RECIPES
from tests.processes import wait_until

MADE = re.compile("[0-9a-f]{16}")
SECRET = "s3cret-of-sixteen"


@pytest.mark.parametrize("chosen", ["a", "A.b_c-9", "x" * 64])
def test_a_client_can_choose_the_request_id(client, chosen):
    assert request_id_of(chosen) == chosen
    for path in ("/livez", "/nowhere", "/jobs", "/static/none"):  # 200, 404, 503, 404
        answer = client.get(path, headers={"X-Request-Id": chosen})
        assert answer.headers.getlist("X-Request-Id") == [chosen]


@pytest.mark.parametrize("chosen", [None, "", "x" * 65, "two words", "naïve", 'a"b', "a/b", "a\n"])
def test_a_missing_or_malformed_request_id_is_replaced(client, chosen):
    assert MADE.fullmatch(request_id_of(chosen))
    assert request_id_of(chosen) != request_id_of(chosen)


def test_each_request_gets_another_id(client):
    names = [client.get("/livez").headers["X-Request-Id"] for _ in range(3)]
    assert all(map(MADE.fullmatch, names))
    assert len({*names}) == 3


@pytest.mark.parametrize("kind", ["text", "json"])
def test_log_lines_hide_secrets_and_name_the_request_and_the_job(kind):
    record = logging.LogRecord(
        "stepbox",
        logging.WARNING,
        __file__,
        1,
        "got %s",
        ({"Authorization": f"Bearer {SECRET}"},),
        None,
    )
    with about("0123", "r-1"):
        line = FORMATTERS[kind]().format(record)
    assert SECRET not in line
    assert "r-1" in line
    assert "r-1" not in FORMATTERS[kind]().format(record)
    if kind == "json":
        fields = json.loads(line)
        assert fields.keys() == {
            "time", "level", "logger", "process", "message", "request_id", "job",
        }  # fmt: skip
        assert (fields["job"], fields["request_id"], fields["level"]) == ("0123", "r-1", "WARNING")


def read_lines(process):
    return [json.loads(line) for line in process.log.read_text().splitlines()]


@pytest.fixture
def logging_json(own_stack, jobs):
    own_stack.environment |= {"STEPBOX_LOG_FORMAT": "json", "HOLD_DIR": str(own_stack.folder)}
    return own_stack


def test_a_request_id_reaches_the_log_of_the_worker(logging_json, jobs):
    held = logging_json.folder / "epoch-2"
    held.touch()
    worker = logging_json.start_worker(application="tests.worker.holding")
    service = logging_json.start_service()
    headers = {"X-Request-Id": "from-a-client", "Authorization": f"Bearer {SECRET}"}
    body = {"epochs": 3, "hidden_sizes": [8]}
    answer = requests.post(f"{logging_json.url}/train", json=body, headers=headers, timeout=10)
    assert answer.headers["X-Request-Id"] == answer.json()["request_id"] == "from-a-client"
    id = answer.json()["id"]
    wait_until(held.with_suffix(".reached").exists, what="the worker to reach epoch 2")
    ((_, _, owner),) = jobs.owners()
    os.kill(owner["pid"], signal.SIGKILL)
    held.unlink()
    wait_until(lambda: f"job {id}: succeeded" in worker.log.read_text())

    job_lines = [line for line in read_lines(worker) if line.get("request_id") == "from-a-client"]
    assert {line["job"] for line in job_lines} == {id}
    messages = [line["message"] for line in job_lines]
    assert messages[0] == f"job {id}: claimed, attempt 1"
    assert f"job {id}: the process of attempt 1 is dead" in messages
    assert messages[-1] == f"job {id}: succeeded"
    assert all(id not in line["message"] for line in read_lines(worker) if line not in job_lines)
    (accepted,) = [
        line for line in read_lines(service) if line["logger"] == "service.api.submitting"
    ]
    assert accepted["request_id"] == "from-a-client"
    assert id in accepted["message"]
    for line in (*read_lines(worker), *read_lines(service)):  # gunicorn's and Celery's too
        assert line.keys() >= {"time", "level", "logger", "message"}
        assert SECRET not in str(line)
    loggers = {line["logger"] for line in (*read_lines(worker), *read_lines(service))}
    assert loggers >= {"gunicorn.error", "celery.apps.worker", "worker.run"}
    assert "gunicorn.access" not in loggers  # metrics count requests, at less cost


def test_jobs_of_earlier_versions_have_no_request_id(jobs):
    id = jobs.submit(RECIPES["mnist-numpy"], samples=60000, queue_limit=9).id
    assert jobs.get(id).request_id is None
