"""Stepbox on three machines: workers on each, the API on two, Redis and the bucket on the third."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import requests
from redis.exceptions import RedisError

from jobs.connection import connect
from jobs.settings import Settings
from jobs.store import JobStore
from tests.buckets import ACCESS, BUCKET
from tests.faults.checks import all_over
from tests.processes import BIN, ROOT, Process, wait_until
from tests.soak.machines import Machine, Network

HOSTS = ("one", "two", "three")
WITH_API = ("one", "two")
CENTRE = "three"
API_PORT, REDIS_PORT, BUCKET_PORT = 8080, 6390, 9000
START_S = 300  # busy machines take long to start everything


class Cluster:
    """The machines and what runs on them.

    Parameters
    ----------
    network
        Has the machines `HOSTS`.
    worker, service
        Modules of the Celery application and of the ASGI application.
    settings
        Further variables of the environment of workers and APIs.
    """

    def __init__(
        self,
        network: Network,
        worker: str = "worker.app",
        service: str = "service.asgi:app",
        **settings: str,
    ) -> None:
        self.network = network
        self._worker, self._service, self._others = worker, service, settings
        self._centre = network.machines[CENTRE]
        self._redis: Process | None = None
        self._bucket: Process | None = None
        self.urls = {name: self._url(name, API_PORT) for name in WITH_API}
        self.jobs: JobStore

    def start(self) -> None:
        """Start everything, and wait until all parts work."""
        self.start_bucket()
        self.start_redis()
        wait_until(self._redis_answers, seconds=START_S, what="Redis to answer")
        self.jobs = JobStore(connect(self.settings()))
        for name in HOSTS:
            self.boot(name)
        wait_until(self.is_whole, seconds=START_S, every=0.3, what="all parts to work")

    def boot(self, name: str) -> None:
        """Start what runs on a machine, besides Redis and the bucket."""
        machine = self.network.machines[name]
        environment = self._environment(machine)
        options = "--without-gossip --without-mingle --without-heartbeat --loglevel INFO"
        machine.start(
            "worker",
            environment,
            *f"celery -A {self._worker} worker --queues training --concurrency 1 {options}".split(),
            *f"--hostname {name}@%h".split(),
        )
        if name in WITH_API:
            gunicorn = ["gunicorn", "-c", "service/server/gunicorn_conf.py", self._service]
            machine.start("service", environment, *gunicorn)

    def start_redis(self) -> None:
        """Start Redis, unless it runs."""
        if self._redis is None or not self._redis.running():
            environment = self._environment(self._centre)
            options = ["--bind", "0.0.0.0"]
            self._redis = self._centre.start("redis", environment, "bin/redis-local", *options)

    def kill_redis(self) -> None:
        """Kill Redis."""
        assert self._redis is not None
        self._redis.kill_group()

    def start_bucket(self) -> None:
        """Start the server of the bucket, unless it runs."""
        if self._bucket is None or not self._bucket.running():
            objects = self._centre.folder / "objects"
            (objects / BUCKET).mkdir(parents=True, exist_ok=True)
            keys = ",".join([ACCESS["AWS_ACCESS_KEY_ID"], ACCESS["AWS_SECRET_ACCESS_KEY"]])
            command = f"serve s3 --addr 0.0.0.0:{BUCKET_PORT} --auth-key {keys} {objects}"
            environment = {**os.environ, "RCLONE_CONFIG": os.devnull}
            program = str(BIN / "rclone")
            self._bucket = self._centre.start("bucket", environment, program, *command.split())

    def kill_bucket(self) -> None:
        """Kill the server of the bucket."""
        assert self._bucket is not None
        self._bucket.kill_group()

    def settings(self) -> Settings:
        """Return the settings with which Redis is reached from here."""
        credentials = self._centre.folder / "redis" / "credentials"
        return Settings(redis_url=self._redis_url(), redis_password_file=credentials / "password")

    def is_whole(self) -> bool:
        """Tell whether every API is ready and sees all three workers."""
        try:
            for url in self.urls.values():
                if not requests.get(f"{url}/readyz", timeout=10).ok:
                    return False
                workers = requests.get(f"{url}/system", timeout=10).json()["workers"]
                names = {worker["name"].partition("@")[0] for worker in workers}
                if names != set(HOSTS):
                    return False
        except requests.RequestException:
            return False
        return True

    def all_over(self) -> bool:
        """Tell whether no job waits or runs."""
        try:
            return all_over(self.jobs)
        except RedisError:
            return False

    def host_of(self, job: str) -> str | None:
        """Return the machine that runs a job."""
        with suppress(RedisError):
            worker = self.jobs.redis.hget(f"job:{job}", "worker")
            return str(worker).partition("@")[0] if worker else None
        return None

    def report(self) -> str:
        """Show the end of each log, to explain a failure."""
        logs = [log for name in HOSTS for log in self.network.machines[name].folder.glob("*.log")]
        parts = [f"---- {log} ----\n{log.read_text(errors='replace')[-4000:]}" for log in logs]
        return "\n".join(parts)

    def _redis_answers(self) -> bool:
        try:
            with connect(self.settings()) as client:
                return bool(client.ping())
        except (RedisError, OSError, ValueError):
            return False

    def _url(self, name: str, port: int) -> str:
        return f"http://{self.network.addresses[name]}:{port}"

    def _redis_url(self) -> str:
        return f"redis://stepbox@{self.network.addresses[CENTRE]}:{REDIS_PORT}/0"

    def _environment(self, machine: Machine) -> dict[str, Any]:
        folder = machine.folder
        return {
            **os.environ,
            **ACCESS,
            "AWS_ENDPOINT_URL": self._url(CENTRE, BUCKET_PORT),
            "PATH": f"{BIN}:{os.environ['PATH']}",
            "PYTHONPATH": str(ROOT),
            "PYTHONUNBUFFERED": "1",
            "STEPBOX_STORE": f"s3://{BUCKET}/soak",
            "STEPBOX_CACHE_DIR": str(folder / "cache"),
            "STEPBOX_REDIS_DIR": str(self._centre.folder / "redis"),
            "STEPBOX_REDIS_PORT": str(REDIS_PORT),
            "STEPBOX_REDIS_URL": self._redis_url(),
            "STEPBOX_REDIS_PASSWORD_FILE": str(
                self._centre.folder / "redis" / "credentials" / "password"
            ),
            "STEPBOX_DATA_DIR": os.environ.get("STEPBOX_DATA_DIR", str(ROOT / "data")),
            "STEPBOX_ALIVE_FILE": str(folder / "worker.alive"),
            "STEPBOX_HOST": machine.address,
            "STEPBOX_PORT": str(API_PORT),
            "STEPBOX_PROCESSES": "1",
            "STEPBOX_OPEN": "true",
            "STEPBOX_FIRST_MODEL": "none",
            "REMAP_SIGTERM": "SIGQUIT",
            **self._others,
        }


@contextmanager
def cluster_in(folder: Path, **options: Any) -> Iterator[Cluster]:
    """Provide a cluster that runs; switch all machines off at the end of the context.

    If the context ends with an error, a note with the logs is added to it.
    """
    with Network(folder, *HOSTS) as network:
        cluster = Cluster(network, **options)
        try:
            cluster.start()
            yield cluster
        except Exception as error:
            error.add_note(cluster.report())
            raise
