"""A whole Stepbox in a folder of its own: Redis, a worker and the service, as Procfile has them."""

import json
import shutil
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from redis import Redis
from redis.exceptions import RedisError

from benchmarks.serving.contenders import procfile
from benchmarks.serving.model import DATA
from benchmarks.serving.processes import NotStartedError, Server, free_port
from jobs.connection import connect
from jobs.settings import Settings

START_S = 60


class Installation:
    """Start all processes of Procfile and wait until they answer.

    Parameters
    ----------
    folder
        For its Redis, models and logs; what an earlier one left there is removed.
    models_dir
        Folder of models to begin with.
    """

    def __init__(self, folder: Path, models_dir: Path) -> None:
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(models_dir, folder / "models")
        self.port = free_port()
        redis_port, redis_dir = free_port(), folder / "redis"
        settings = {
            "STEPBOX_PORT": str(self.port),
            "STEPBOX_REDIS_PORT": str(redis_port),
            "STEPBOX_REDIS_DIR": str(redis_dir),
            "STEPBOX_REDIS_URL": f"redis://stepbox@127.0.0.1:{redis_port}/0",
            "STEPBOX_REDIS_PASSWORD_FILE": str(redis_dir / "credentials" / "password"),
            "STEPBOX_MODELS_DIR": str(folder / "models"),
            "STEPBOX_DATA_DIR": str(DATA),
            "STEPBOX_ALIVE_FILE": str(folder / "worker.alive"),
        }
        commands = procfile()
        start = {
            name: lambda name=name: Server(
                f"env {commands[name]}", settings, folder / f"{name}.log"
            )
            for name in commands
        }
        start["redis"]()
        password = redis_dir / "credentials" / "password"
        _wait(password.exists)
        own = Settings(redis_url=settings["STEPBOX_REDIS_URL"], redis_password_file=password)
        self.redis: Redis = connect(own)
        _wait(self._redis_answers)
        start["worker"]()
        self.service = start["service"]()
        _wait(self._service_answers)

    def ask(self, path: str, body: Any = None) -> Any:
        """Send a request, a POST where there is a body; returns the answer's JSON."""
        data = None if body is None else json.dumps(body).encode()
        request = Request(
            f"http://127.0.0.1:{self.port}{path}", data, {"Content-Type": "application/json"}
        )
        with urlopen(request, timeout=30) as answer:
            return json.load(answer)

    def train(self, **body: Any) -> str:
        """Start a training; returns the id of the job once it runs."""
        job = self.ask("/train", body)["id"]
        _wait(lambda: self.ask(f"/jobs/{job}")["status"] == "running")
        return job

    def redis_connections(self) -> int:
        """Count the connections of Redis, this process's one left out."""
        return int(self.redis.info("clients")["connected_clients"]) - 1

    def _redis_answers(self) -> bool:
        with suppress(RedisError):
            return bool(self.redis.ping())
        return False

    def _service_answers(self) -> bool:
        try:
            return bool(self.ask("/jobs"))
        except (OSError, HTTPError):
            return False


def _wait(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + START_S
    while not condition():
        if time.monotonic() > deadline:
            raise NotStartedError(f"still not after {START_S} s")
        time.sleep(0.05)
