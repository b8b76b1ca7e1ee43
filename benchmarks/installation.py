"""Start a whole Stepbox for a benchmark with `bin/run`, as users do."""

import json
import os
import re
import select
import shlex
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import urlopen

from benchmarks.serving.processes import NotStartedError, Server, free_port
from jobs.settings import Settings

START_S = 120  # on a busy machine, importing torch takes most of this
STOP_S = 60  # bin/run gives each of its three processes 15 s


class Installation:
    """Redis, one worker and the API, on free ports, with all their files in one folder.

    Parameters
    ----------
    folder
        An empty folder.
    """

    def __init__(self, folder: Path) -> None:
        self.models_dir = folder / "models"
        self.port, self._redis_port = free_port(), free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._redis_dir = folder / "redis"
        self._log = folder / "log"

    def start(self) -> Server:
        """Start `bin/run` with the programs of this Python environment."""
        environment = {
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "STEPBOX_PORT": str(self.port),
            "STEPBOX_REDIS_PORT": str(self._redis_port),
            "STEPBOX_REDIS_DIR": str(self._redis_dir),
            "STEPBOX_MODELS_DIR": str(self.models_dir),
            "STEPBOX_DATASETS_DIR": str(self.models_dir / ".datasets"),
        }
        return Server(f"{shlex.quote(sys.executable)} bin/run", environment, self._log)

    def why_not_ready(self) -> str:
        """Return why the installation is not ready, or an empty string if it is."""
        try:
            with urlopen(f"{self.url}/readyz", timeout=5):
                return ""
        except HTTPError as error:
            return json.load(error)["detail"]
        except OSError as error:
            return str(error)

    def settings(self) -> Settings:
        """Return the settings that connect to its Redis."""
        return Settings(
            redis_url=f"redis://stepbox@127.0.0.1:{self._redis_port}/0",
            redis_password_file=self._redis_dir / "credentials" / "password",
            models_dir=self.models_dir,
        )

    @property
    def service_pid(self) -> int:
        """Process id of gunicorn's master, from the output of `bin/run`."""
        started = re.search(r"^service +\| started \(pid=(\d+)\)", self._log.read_text(), re.M)
        if not started:
            raise NotStartedError("bin/run has not started the service")
        return int(started[1])

    def stop_service(self) -> None:
        """Send SIGTERM to the service, and wait until it ends."""
        service = os.pidfd_open(self.service_pid)
        try:
            signal.pidfd_send_signal(service, signal.SIGTERM)
            if not select.select([service], [], [], STOP_S)[0]:
                raise TimeoutError(f"the service did not end in {STOP_S} s")
        finally:
            os.close(service)


@contextmanager
def run_stepbox(models: Path | None = None) -> Iterator[Installation]:
    """Run a Stepbox in a temporary folder until the context ends.

    Parameters
    ----------
    models
        Folder with models to start with; none by default.

    Raises
    ------
    NotStartedError
        Stepbox ended during startup, or was not ready in time.
    """
    with tempfile.TemporaryDirectory() as folder:
        installation = Installation(Path(folder))
        if models:
            shutil.copytree(models, installation.models_dir)
        server = installation.start()
        try:
            while reason := installation.why_not_ready():
                server.check(lines=20)
                if time.perf_counter() - server.started > START_S:
                    raise NotStartedError(f"not ready in {START_S} s: {reason}")
                time.sleep(0.1)
            yield installation
        finally:
            server.stop(STOP_S)
