"""Real processes for tests: Redis, a worker and the API, each started and ended by its test."""

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

from jobs.connection import connect
from jobs.settings import Settings
from jobs.store import JobStore

ROOT = Path(__file__).parent.parent
BIN = Path(sys.executable).parent
REPORTED = 6000  # characters of the end of each log


def free_port() -> int:
    """Find a port that nothing listens at."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def wait_until(
    condition: Callable[[], Any], *, seconds: float = 30, every: float = 0.05, what: str = ""
) -> Any:
    """Wait for a condition to become true, looked at every so many seconds; returns its value."""
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        if time.monotonic() > deadline:
            raise AssertionError(f"still not after {seconds} s: {what or condition}")
        time.sleep(every)
    return value


class Process:
    """A process in a group of its own, whose output goes to a file."""

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

    def stop(self, number: int = signal.SIGTERM, seconds: float = 30) -> int:
        """Send the main process a signal and wait for its end; returns its exit status."""
        if self._process.poll() is None:
            self._process.send_signal(number)
        try:
            return self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            os.killpg(self.pid, signal.SIGKILL)
            self._process.wait()
            raise AssertionError(f"did not end:\n{self.log.read_text()[-2000:]}") from None

    def running(self) -> bool:
        """Tell whether the main process runs."""
        return self._process.poll() is None

    def children(self) -> list[int]:
        """Give the ids of the main process's children."""
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
    """One installation of Stepbox in a folder of its own."""

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
            "STEPBOX_ALIVE_FILE": str(folder / "worker.alive"),
            "STEPBOX_PORT": str(self.port),
            "REMAP_SIGTERM": "SIGQUIT",
            **settings,
        }

    def settings(self) -> Settings:
        """Say where its Redis and its files are."""
        return Settings(
            redis_url=self.environment["STEPBOX_REDIS_URL"],
            redis_password_file=Path(self.environment["STEPBOX_REDIS_PASSWORD_FILE"]),
            models_dir=self.models_dir,
            data_dir=Path(self.environment["STEPBOX_DATA_DIR"]),
        )

    def start(self, name: str, *command: str) -> Process:
        """Start a command with its settings; what it writes goes to a log of that name."""
        process = Process(list(command), self.environment, self.folder / f"{name}.log")
        self._processes.append(process)
        return process

    def kill(self) -> None:
        """Kill all that was started here and still runs; a clean stop has tests of its own."""
        for process in reversed(self._processes):
            if process.running():
                process.kill_group()

    def report(self) -> str:
        """Tell what is known of a failure: the states of the jobs, and the end of each log."""
        sections = [("jobs", self._job_states())]
        for log in sorted(self.folder.glob("*.log")):
            sections.append((log.name, log.read_text(errors="replace")[-REPORTED:]))
        return "\n".join(f"---- {title} ----\n{text.strip()}" for title, text in sections)

    def _job_states(self) -> str:
        try:
            with connect(self.settings()) as client:
                jobs, _ = JobStore(client).page(limit=20)
        except (RedisError, OSError) as error:
            return f"not known: {error}"
        return "\n".join(
            f"{job.id} {job.status}, attempt {job.attempts}, {len(job.history)} epochs, "
            f"progress {job.progress.fraction:.3f}, worker {job.worker}, error {job.error}"
            for job in jobs
        )

    def start_redis(self) -> Process:
        """Start Redis and wait until it takes commands."""
        process = self.start("redis", "bin/redis-local")
        wait_until(self._redis_answers, what="Redis to answer")
        return process

    def start_worker(self, name: str = "worker", *prefix: str) -> Process:
        """Start a worker, by a command before its own if need be.

        It takes its first job when it is ready.
        """
        options = "--without-gossip --without-mingle --without-heartbeat --loglevel INFO"
        return self.start(
            name,
            *prefix,
            *f"celery -A worker.app worker --queues training --concurrency 1 {options}".split(),
            *f"--hostname {name}@%h".split(),
        )

    def start_service(self, *prefix: str) -> Process:
        """Start the API, by a command before its own if need be, and wait until it answers."""
        process = self.start(
            "service",
            *prefix,
            "gunicorn",
            "-c",
            "service/server/gunicorn_conf.py",
            "service.server.asgi:app",
        )
        wait_until(self._service_answers, what="the API to answer")
        return process

    def _redis_answers(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.redis_port), 1) as connection:
                connection.sendall(b"PING\r\n")
                return connection.recv(64).startswith((b"-NOAUTH", b"+PONG"))
        except OSError:
            return False

    def _service_answers(self) -> bool:
        try:
            return requests.get(f"{self.url}/livez", timeout=1).ok
        except requests.RequestException:
            return False

    # -- what a client does ---------------------------------------------------------------

    def train(self, **body: Any) -> dict[str, Any]:
        """Start a training and return the job."""
        answer = requests.post(f"{self.url}/train", json=body, timeout=10)
        assert answer.status_code == 202, answer.text
        return answer.json()

    def job(self, id: str) -> dict[str, Any]:
        """Read a job."""
        answer = requests.get(f"{self.url}/jobs/{id}", timeout=10)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def wait_for(self, id: str, *statuses: str, seconds: float = 120) -> dict[str, Any]:
        """Wait until a job is in one of these states, by default any final one."""
        wanted = statuses or ("succeeded", "failed", "cancelled")
        return wait_until(
            lambda: (job := self.job(id))["status"] in wanted and job,
            seconds=seconds,
            every=0.1,  # to ask costs the API and the test a tenth of a core at this rate
            what=f"job {id} to be {' or '.join(wanted)}",
        )


@contextmanager
def stack_in(folder: Path, **settings: str) -> Iterator[Stack]:
    """Give an installation of which nothing runs yet; what is started ends with the context.

    An error that leaves the context bears a note with the jobs' states and the logs.
    """
    stack = Stack(folder, **settings)
    try:
        yield stack
    except Exception as error:
        error.add_note(stack.report())
        raise
    finally:
        stack.kill()
