"""Redis over TLS: what works with the right certificate, and what is said about wrong settings."""

import os
import socket
import subprocess
import sys

import pytest
import requests

from jobs.connection import connect, find_fault
from jobs.queue import make_celery, send_token
from jobs.settings import Settings
from tests.processes import ROOT, free_port, stack_in, wait_until

NAMES = ("localhost", "127.0.0.1", "::1")
TINY = {"epochs": 1, "hidden_sizes": [2]}


def certificates(folder, *names):
    subprocess.run([ROOT / "bin/redis-certificates", folder, *names], check=True)
    return folder


def start_relay(stack, *addresses):
    """Make certificates for these addresses, and let clients reach Redis there with TLS."""
    folder = certificates(stack.folder / "certificates", "localhost", *addresses)
    port = free_port()
    arguments = (",".join([*addresses, "127.0.0.2"]), str(port), str(stack.redis_port), str(folder))
    stack.start("tls", sys.executable, "-m", "tests.tls_relay", *arguments)

    def accepts():
        try:
            socket.create_connection((addresses[0], port), 1).close()
        except OSError:
            return False
        return True

    wait_until(accepts, what="the relay to accept connections")
    return {
        "STEPBOX_REDIS_URL": f"rediss://stepbox@{addresses[0]}:{port}/0",
        "STEPBOX_REDIS_CA_FILE": str(folder / "ca.crt"),
    }


@pytest.fixture(scope="module")
def secure(tmp_path_factory):
    """Run Redis behind TLS, without a worker and the API."""
    with stack_in(tmp_path_factory.mktemp("secure")) as stack:
        stack.start_redis()
        stack.environment |= start_relay(stack, "127.0.0.1")
        url = stack.environment["STEPBOX_REDIS_URL"]
        stack.environment["STEPBOX_REDIS_URL"] = url.replace("127.0.0.1", "localhost")
        yield stack


def settings_of(stack, **changes):
    names = {f"STEPBOX_{name}".upper(): name for name in Settings.model_fields}
    fields = {names[key]: value for key, value in stack.environment.items() if key in names}
    return Settings(**{**fields, **changes})


def test_jobs_run_over_tls(secure):
    secure.start_worker()
    service = secure.start_service()
    id = secure.train(**TINY)["id"]
    assert secure.wait_for(id)["status"] == "succeeded"
    events = requests.get(f"{secure.url}/jobs/{id}/events", timeout=30)
    assert "event: epoch" in events.text
    assert "STEPBOX_REDIS" not in service.log.read_text()


@pytest.mark.parametrize("host", NAMES[:2])
def test_a_right_certificate_is_accepted(secure, host):
    url = secure.environment["STEPBOX_REDIS_URL"].replace("localhost", host)
    settings = settings_of(secure, redis_url=url)
    assert find_fault(settings) is None
    with make_celery(settings) as app:
        send_token(app)
    with connect(settings) as client:
        client.delete("training")


WRONG = {
    "another authority": "STEPBOX_REDIS_CA_FILE: localhost has another certificate: ",
    "no authority": "STEPBOX_REDIS_CA_FILE: localhost has another certificate: ",
    "another host name": "STEPBOX_REDIS_URL: 127.0.0.2 has another certificate: IP address mism",
    "another password": "STEPBOX_REDIS_PASSWORD_FILE: Redis on localhost rejects the user or pass",
    "no password": "STEPBOX_REDIS_PASSWORD_FILE: Redis on localhost rejects the user or password",
}


def wrong(stack, how, folder):
    """Return the environment with one wrong setting."""
    change = {}
    url = stack.environment["STEPBOX_REDIS_URL"]
    match how:
        case "another authority":
            other = certificates(folder / "other", *NAMES) / "ca.crt"
            change = {"STEPBOX_REDIS_CA_FILE": str(other)}
        case "no authority":
            change = {"STEPBOX_REDIS_CA_FILE": None}
        case "another host name":
            change = {"STEPBOX_REDIS_URL": url.replace("localhost", "127.0.0.2")}
        case "another password":
            (folder / "password").write_text("wrong")
            change = {"STEPBOX_REDIS_PASSWORD_FILE": str(folder / "password")}
        case "no password":
            change = {"STEPBOX_REDIS_PASSWORD_FILE": None}
    environment = {**stack.environment, **change}
    return {name: value for name, value in environment.items() if value is not None}


@pytest.mark.parametrize("how", WRONG)
def test_a_wrong_setting_is_named(secure, monkeypatch, tmp_path, how):
    for name in [name for name in os.environ if name.startswith("STEPBOX_REDIS")]:
        monkeypatch.delenv(name)
    for name, value in wrong(secure, how, tmp_path).items():
        monkeypatch.setenv(name, value)
    # A busy machine may answer too late, which is no fault of the settings.
    fault = wait_until(lambda: find_fault(Settings()), what="an answer")
    assert fault.startswith(WRONG[how])


def test_a_redis_that_is_unavailable_is_no_fault(secure):
    url = f"rediss://stepbox@localhost:{free_port()}/0"
    assert find_fault(settings_of(secure, redis_url=url)) is None


def test_a_worker_with_a_wrong_setting_does_not_start_and_the_api_says_so(secure, tmp_path):
    how = "another authority"
    with stack_in(tmp_path / "wrong") as stack:
        keep = {name: stack.environment[name] for name in ("STEPBOX_PORT", "STEPBOX_MODELS_DIR")}
        stack.environment = wrong(secure, how, tmp_path) | keep
        worker, service = stack.start_worker(), stack.start_service()
        wait_until(lambda: not worker.running(), what="the worker to end")
        assert worker.stop() == 1
        assert worker.log.read_text().strip().splitlines()[-1].startswith(WRONG[how])
        assert WRONG[how] in service.log.read_text()


def test_a_ca_file_is_checked_when_a_program_starts(tmp_path, monkeypatch):
    monkeypatch.setenv("STEPBOX_REDIS_URL", "rediss://stepbox@localhost:6380/0")

    def message(path):
        monkeypatch.setenv("STEPBOX_REDIS_CA_FILE", str(path))
        with pytest.raises(SystemExit) as exit:
            Settings.from_environment()
        return str(exit.value)

    (tmp_path / "empty").write_text("")
    (tmp_path / "text").write_text("no certificate")
    certificate = certificates(tmp_path / "made", "localhost") / "ca.crt"
    assert "missing cannot be read" in message(tmp_path / "missing")
    for name in ("empty", "text"):
        assert f"{name} holds no certificate in the form PEM" in message(tmp_path / name)
    monkeypatch.setenv("STEPBOX_REDIS_URL", "redis://stepbox@localhost:6380/0")
    assert message(certificate).startswith("STEPBOX_REDIS_CA_FILE: without TLS, it has no effect")


def test_certificates_name_what_they_are_for(tmp_path):
    folder = certificates(tmp_path / "new", "redis.example.org,192.0.2.7", "::1", "1.example.org")
    command = ["openssl", "x509", "-in", folder / "redis.crt", "-noout", "-ext", "subjectAltName"]
    shown = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    names = ("DNS:redis.example.org", "IP Address:192.0.2.7", "IP Address:0:0", "DNS:1.example.org")
    assert all(name in shown for name in names)
    authority = (folder / "ca.crt").read_bytes()
    before = (folder / "redis.crt").read_bytes()
    certificates(folder, "localhost")
    assert (folder / "ca.crt").read_bytes() == authority  # other machines have a copy
    assert (folder / "redis.crt").read_bytes() != before
    assert folder.stat().st_mode & 0o777 == 0o700
    assert (folder / "ca.key").stat().st_mode & 0o777 == 0o400


@pytest.mark.parametrize("names", [[], [","], ["a b;rm"], ["redis/x"]])
def test_certificates_need_names(tmp_path, names):
    done = subprocess.run(
        [ROOT / "bin/redis-certificates", tmp_path / "new", *names],
        check=False,
        capture_output=True,
    )
    assert done.returncode == 2
    assert not (tmp_path / "new" / "ca.crt").exists()
