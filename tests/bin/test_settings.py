"""What the processes of Procfile say of settings that are wrong."""

import os
import subprocess

import pytest

from service.settings import ServiceSettings
from tests.processes import BIN, ROOT
from worker.settings import WorkerSettings

SECRET = "hush-hush"
PROCESSES = dict(line.split(": ", 1) for line in (ROOT / "Procfile").read_text().splitlines())


def start(name, settings):
    """Start a process that has to end by itself."""
    return subprocess.run(
        PROCESSES[name],
        shell=True,
        cwd=ROOT,
        env={**os.environ, "PATH": f"{BIN}:{os.environ['PATH']}", **settings},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    ("process", "settings", "lines"),
    [
        (
            "service",
            {"TOKENS": f"write:{SECRET}", "PORT": "70000", "OPEN": "maybe"},
            {
                "STEPBOX_TOKENS": "at least 16 characters",
                "STEPBOX_PORT": "(allowed: 1 to 65535)",
                "STEPBOX_OPEN": "(allowed: true or false)",
            },
        ),
        (
            "worker",
            {"QUEUE_LIMIT": "many", "REDIS_PASSWORD_FILE": "/nowhere/password"},
            {
                "STEPBOX_QUEUE_LIMIT": "(allowed: 1 or more)",
                "STEPBOX_REDIS_PASSWORD_FILE": "/nowhere/password cannot be read",
            },
        ),
    ],
)
def test_a_process_ends_with_a_line_for_each_setting_that_is_wrong(process, settings, lines):
    done = start(process, {f"STEPBOX_{name}": value for name, value in settings.items()})
    assert done.returncode == 1
    said = dict(line.split(": ", 1) for line in (done.stdout + done.stderr).splitlines())
    assert said.keys() == lines.keys()
    for name, text in lines.items():
        assert text in said[name]
    assert SECRET not in str(said)


@pytest.mark.parametrize(
    ("kind", "name", "value", "said"),
    [
        (ServiceSettings, "TOKENS_FILE", "/nowhere", "/nowhere cannot be read: No such file"),
        (ServiceSettings, "TOKENS_FILE", "/dev/null", "holds no token"),
        (ServiceSettings, "TOKENS_FILE", "/bin/sh", "not a text"),
        (ServiceSettings, "TOKENS", f"{SECRET * 9}", "'read:SECRET' or 'write:SECRET'"),
        (ServiceSettings, "HOST", "localhost:80", "without a port"),
        (ServiceSettings, "HOST", "", "without a port"),
        (ServiceSettings, "HOSTS", "service:8000", "without a port"),
        (ServiceSettings, "TRAIN_LIMIT", "many", "like 10/minute"),
        (ServiceSettings, "LOG_FORMAT", "yaml", "'text' or 'json'"),
        (ServiceSettings, "PROCESSES", "0", "(allowed: 1 to 64)"),
        (WorkerSettings, "REDIS_URL", f"http://u:{SECRET}@host", "redis://USER@HOST:PORT/0"),
        (WorkerSettings, "REDIS_URL", f"redis://u:{SECRET}/@host", "redis://USER@HOST:PORT/0"),
        (WorkerSettings, "REDIS_URL", f"redis://u:{SECRET}@[host", "redis://USER@HOST:PORT/0"),
        (WorkerSettings, "REDIS_URL", f"redis://u:{SECRET}@℀", "redis://USER@HOST:PORT/0"),
    ],
)
def test_what_is_said_of_a_setting(monkeypatch, kind, name, value, said):
    monkeypatch.setenv(f"STEPBOX_{name}", value)
    with pytest.raises(SystemExit) as ended:
        kind.from_environment()
    line = str(ended.value)
    assert line.startswith(f"STEPBOX_{name}: ")
    assert said in line
    assert "\n" not in line
    assert SECRET not in line


@pytest.mark.parametrize(
    ("host", "address"),
    [("127.0.0.1", "127.0.0.1:80"), ("::1", "[::1]:80"), ("[::]", "[::]:80"), ("box", "box:80")],
)
def test_an_address_of_ipv6_has_brackets(host, address):
    assert ServiceSettings(host=host, port=80).address == address
