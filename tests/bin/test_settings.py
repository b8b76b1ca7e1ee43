"""The processes of Procfile exit and say why if settings are wrong."""

import os
import subprocess

import pytest

from service.settings import ServiceSettings
from tests.processes import BIN, PATIENCE_S, ROOT
from worker.settings import WorkerSettings

SECRET = "hush-hush"
PROCESSES = dict(line.split(": ", 1) for line in (ROOT / "Procfile").read_text().splitlines())


def start(name, settings):
    """Run a process of Procfile until it exits by itself."""
    return subprocess.run(
        PROCESSES[name],
        shell=True,
        cwd=ROOT,
        env={**os.environ, "PATH": f"{BIN}:{os.environ['PATH']}", **settings},
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
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
            {
                "QUEUE_LIMIT": "many",
                "REDIS_PASSWORD_FILE": "/nowhere/password",
                "FIRST_MODEL": "mnist",
            },
            {
                "STEPBOX_QUEUE_LIMIT": "(allowed: 1 or more)",
                "STEPBOX_FIRST_MODEL": "none or the name of a recipe: mnist-numpy,",
                "STEPBOX_REDIS_PASSWORD_FILE": "/nowhere/password cannot be read",
            },
        ),
    ],
)
def test_a_process_exits_with_one_line_for_each_wrong_setting(process, settings, lines):
    done = start(process, {f"STEPBOX_{name}": value for name, value in settings.items()})
    assert done.returncode == 1
    printed = dict(line.split(": ", 1) for line in (done.stdout + done.stderr).splitlines())
    assert printed.keys() == lines.keys()
    for name, text in lines.items():
        assert text in printed[name]
    assert SECRET not in str(printed)


@pytest.mark.parametrize(
    ("kind", "name", "value", "text"),
    [
        (ServiceSettings, "TOKENS_FILE", "/nowhere", "/nowhere cannot be read: No such file"),
        (ServiceSettings, "TOKENS_FILE", "/dev/null", "holds no token"),
        (ServiceSettings, "TOKENS_FILE", "/bin/sh", "not a text file"),
        (ServiceSettings, "TOKENS", f"{SECRET * 9}", "'SCOPE:SECRET' or 'NAME=SCOPE:SECRET'"),
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
def test_the_line_of_a_wrong_setting_says_what_is_allowed(monkeypatch, kind, name, value, text):
    monkeypatch.setenv(f"STEPBOX_{name}", value)
    with pytest.raises(SystemExit) as ended:
        kind.from_environment()
    line = str(ended.value)
    assert line.startswith(f"STEPBOX_{name}: ")
    assert text in line
    assert "\n" not in line
    assert SECRET not in line


@pytest.mark.parametrize(
    ("host", "address"),
    [("127.0.0.1", "127.0.0.1:80"), ("::1", "[::1]:80"), ("[::]", "[::]:80"), ("box", "box:80")],
)
def test_an_ipv6_address_has_brackets(host, address):
    assert ServiceSettings(host=host, port=80).address == address
