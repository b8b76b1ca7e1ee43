"""Start single processes of Stepbox on a Redis that is already running, as the Procfile does."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.request import urlopen

from benchmarks.serving.contenders import procfile
from benchmarks.serving.processes import NotStartedError, Server, free_port
from jobs.settings import Settings
from jobs.store import JobStore

START_S = 120


def settings_of(jobs: JobStore, folder: Path) -> Settings:
    """Return settings that connect to the same Redis, with all files in a folder."""
    options = jobs.redis.connection_pool.connection_kwargs
    password = folder / "password"
    password.write_text(options["password"])
    return Settings(
        redis_url=f"redis://stepbox@127.0.0.1:{options['port']}/0",
        redis_password_file=password,
        models_dir=folder / "models",
        datasets_dir=folder / "datasets",
    )


def _environment(settings: Settings) -> dict[str, str]:
    return {
        "STEPBOX_REDIS_URL": settings.redis_url,
        "STEPBOX_REDIS_PASSWORD_FILE": str(settings.redis_password_file),
        "STEPBOX_MODELS_DIR": str(settings.models_dir),
        "STEPBOX_DATASETS_DIR": str(settings.datasets_dir),
    }


@contextmanager
def run_worker(settings: Settings, name: str, folder: Path) -> Iterator[Server]:
    """Run a worker, without waiting until it is ready."""
    own = {
        "STEPBOX_ALIVE_FILE": str(folder / f"{name}.alive"),
        "STEPBOX_FIRST_MODEL": "none",
        "REMAP_SIGTERM": "SIGQUIT",
    }
    command = procfile()["worker"].removeprefix("REMAP_SIGTERM=SIGQUIT ")
    command = f"{command} --hostname {name}@%h"
    server = Server(command, _environment(settings) | own, folder / f"{name}.log")
    try:
        yield server
    finally:
        server.stop()


@contextmanager
def run_service(settings: Settings, folder: Path, **changes: str) -> Iterator[tuple[Server, str]]:
    """Run the API, with changed settings, until it answers; yield it and its address."""
    port = free_port()
    own = {"STEPBOX_PORT": str(port), "STEPBOX_TRAIN_LIMIT": "", **changes}
    server = Server(procfile()["service"], _environment(settings) | own, folder / f"{port}.log")
    url = f"http://127.0.0.1:{port}"
    try:
        while not _answers(url):
            server.check(lines=5)
            if time.perf_counter() - server.started > START_S:
                raise NotStartedError(f"no answer in {START_S} s")
            time.sleep(0.05)
        yield server, url
    finally:
        server.stop()


def _answers(url: str) -> bool:
    try:
        with urlopen(f"{url}/livez", timeout=5):
            return True
    except OSError:
        return False
