"""Start and stop real processes in tests: Redis, workers and the API."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import requests
from redis.exceptions import RedisError

from benchmarks.serving.processes import free_port
from jobs.connection import connect
from jobs.settings import Settings
from jobs.store import JobStore
from stepbox.errors import StepboxError
from stepbox.store.folder import FolderStore

ROOT = Path(__file__).parent.parent
BIN = Path(sys.executable).parent
REPORTED = 6000  # characters at the end of each log that a report shows
PATIENCE_S = 120  # a state is reached in seconds; a slow and busy machine takes some times as long


def wait_until(
    condition: Callable[[], Any],
    *,
    seconds: float = PATIENCE_S,
    every: float = 0.05,
    what: str = "",
) -> Any:
    """Check a condition every ``every`` seconds until it is true; return its value.

    ``what`` names the condition in the error message.
    """
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {seconds} s in vain for {what or condition}")
        time.sleep(every)
    return value


class Process:
    """A process in its own process group, whose output goes to a file."""

    def __init__(self, command: list[str], environment: dict[str, str], log: Path) -> None:
        self.log = log
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                command,
                cwd=ROOT,
                env=environment,
                stdout=output,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )
        self.pid = self._process.pid

    def stop(self, number: int = signal.SIGTERM, seconds: float = PATIENCE_S) -> int:
        """Send a signal to the main process and wait until it ends; return its exit status."""
        if self._process.poll() is None:
            self._process.send_signal(number)
        try:
            return self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            os.killpg(self.pid, signal.SIGKILL)
            self._process.wait()
            log = self.log.read_text()[-2000:]
            raise AssertionError(f"the process did not end in {seconds} s:\n{log}") from None

    def running(self) -> bool:
        """Tell whether the main process is running."""
        return self._process.poll() is None

    def children(self) -> list[int]:
        """Return the process ids of the main process's children."""
        return [
            int(pid)
            for pid in Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()
        ]

    def kill_group(self) -> None:
        """Kill the main process and all its children at once."""
        with suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        self._process.wait()


class Stack:
    """An installation of Stepbox in its own folder, with its own ports."""

    def __init__(self, folder: Path, **settings: str) -> None:
        self.folder = folder
        self.models_dir = folder / "models"
        self.models_dir.mkdir(parents=True)
        self._processes: list[Process] = []
        self.redis_port, self.port = free_port(), free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        credentials = folder / "redis" / "credentials"
        self.environment = {
            **os.environ,
            "PATH": f"{BIN}:{os.environ['PATH']}",
            "PYTHONUNBUFFERED": "1",
            "STEPBOX_REDIS_DIR": str(folder / "redis"),
            "STEPBOX_REDIS_PORT": str(self.redis_port),
            "STEPBOX_REDIS_URL": f"redis://stepbox@127.0.0.1:{self.redis_port}/0",
            "STEPBOX_REDIS_PASSWORD_FILE": str(credentials / "password"),
            "STEPBOX_MODELS_DIR": str(self.models_dir),
            "STEPBOX_DATA_DIR": os.environ.get("STEPBOX_DATA_DIR", str(ROOT / "data")),
            "STEPBOX_DATASETS_DIR": str(folder / "datasets"),
            "STEPBOX_ALIVE_FILE": str(folder / "worker.alive"),
            "STEPBOX_PORT": str(self.port),
            "STEPBOX_FIRST_MODEL": "none",
            "REMAP_SIGTERM": "SIGQUIT",
            **settings,
        }

    def settings(self) -> Settings:
        """Return the settings of this installation."""
        return Settings(
            redis_url=self.environment["STEPBOX_REDIS_URL"],
            redis_password_file=Path(self.environment["STEPBOX_REDIS_PASSWORD_FILE"]),
            models_dir=self.models_dir,
            data_dir=Path(self.environment["STEPBOX_DATA_DIR"]),
            datasets_dir=Path(self.environment["STEPBOX_DATASETS_DIR"]),
        )

    def start(self, name: str, *command: str) -> Process:
        """Start a command with the settings of this installation; ``name`` names its log file."""
        process = Process(list(command), self.environment, self.folder / f"{name}.log")
        self._processes.append(process)
        return process

    def kill(self) -> None:
        """Kill all processes that are still running; other tests cover a clean stop."""
        for process in reversed(self._processes):
            if process.running():
                process.kill_group()

    def report(self) -> str:
        """Describe the jobs and show the end of each log, to explain a failure."""
        sections = [("jobs", self._job_states())]
        for log in sorted(self.folder.glob("*.log")):
            sections.append((log.name, log.read_text(errors="replace")[-REPORTED:]))
        return "\n".join(f"---- {title} ----\n{text.strip()}" for title, text in sections)

    def _job_states(self) -> str:
        try:
            with connect(self.settings()) as client:
                archive = FolderStore(self.settings().folders["archive"])
                jobs, _ = JobStore(client, archive).page(limit=20)
        except (RedisError, OSError, StepboxError) as error:
            return f"unknown: {error}"
        return "\n".join(
            f"{job.id} {job.status}, attempt {job.attempts}, {len(job.history)} epochs, "
            f"progress {job.progress.fraction:.3f}, worker {job.worker}, error {job.error}"
            for job in jobs
        )

    def start_redis(self) -> Process:
        """Start Redis, and wait until it accepts commands."""
        process = self.start("redis", "bin/redis-local")
        wait_until(self._redis_answers, what="Redis to answer")
        return process

    def start_worker(
        self, name: str = "worker", *prefix: str, application: str = "worker.app"
    ) -> Process:
        """Start a worker, without waiting until it is ready.

        Parameters
        ----------
        name
            Name of the worker and of its log file.
        prefix
            A command that runs the worker's command, such as ``setpriv`` with options.
        application
            Module of the Celery application.
        """
        options = "--without-gossip --without-mingle --without-heartbeat --loglevel INFO"
        return self.start(
            name,
            *prefix,
            *f"celery -A {application} worker --queues training --concurrency 1 {options}".split(),
            *f"--hostname {name}@%h".split(),
        )

    def start_service(self, *prefix: str) -> Process:
        """Start the API, and wait until it answers; ``prefix`` is a command that runs it."""
        process = self.start(
            "service",
            *prefix,
            "gunicorn",
            "-c",
            "service/server/gunicorn_conf.py",
            "service.asgi:app",
        )
        wait_until(self._service_answers, what="the API to answer")
        return process

    def wait_for_worker(self) -> None:
        """Wait until a worker is ready for jobs."""
        wait_until(self._is_ready, what="a worker to be ready")

    def _is_ready(self) -> bool:
        return requests.get(f"{self.url}/readyz", timeout=60).ok

    def _redis_answers(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.redis_port), 1) as connection:
                connection.sendall(b"PING\r\n")
                return connection.recv(64).startswith((b"-NOAUTH", b"+PONG"))
        except OSError:
            return False

    def _service_answers(self) -> bool:
        try:
            return requests.get(f"{self.url}/livez", timeout=5).ok
        except requests.RequestException:
            return False

    # -- requests of a client -------------------------------------------------------------

    def train(self, **body: Any) -> dict[str, Any]:
        """Submit a job and return it."""
        answer = requests.post(f"{self.url}/train", json=body, timeout=60)
        assert answer.status_code == 202, answer.text
        return answer.json()

    def job(self, id: str) -> dict[str, Any]:
        """Read a job."""
        answer = requests.get(f"{self.url}/jobs/{id}", timeout=60)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def wait_for(self, id: str, *statuses: str, seconds: float = PATIENCE_S) -> dict[str, Any]:
        """Wait until a job has one of these statuses, by default any final one; return the job."""
        wanted = statuses or ("succeeded", "failed", "cancelled")
        return wait_until(
            lambda: (job := self.job(id))["status"] in wanted and job,
            seconds=seconds,
            every=0.1,  # requests at this rate take a tenth of a core
            what=f"job {id} to be {' or '.join(wanted)}",
        )


@contextmanager
def stack_in(folder: Path, **settings: str) -> Iterator[Stack]:
    """Provide an installation; kill all its processes at the end of the context.

    If the context ends with an error, a note with the jobs and the logs is added to it.
    """
    stack = Stack(folder, **settings)
    try:
        yield stack
    except Exception as error:
        error.add_note(stack.report())
        raise
    finally:
        stack.kill()
