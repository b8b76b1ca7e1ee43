"""Start a contender, wait for its first correct answer, measure it under load, and stop it."""

import http.client
import json
import os
import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.serving.contenders import PEERS, Contender
from benchmarks.serving.environments import make_environment
from benchmarks.serving.load import Load, require_wrk, run_wrk, wrk_command
from benchmarks.serving.model import Served
from benchmarks.serving.processes import (
    ROOT,
    NotStartedError,
    Server,
    end_all,
    free_port,
    memory,
    prepare_machine,
)

CONNECTIONS = (1, 16, 64)
CACHE = ROOT / ".run" / "bench-serving"
START_S = 90  # time limit for the first answer
WARM_UP_S = 1.0


def prepare_bench() -> None:
    """Check that wrk exists, choose two cores, and put Stepbox's programs into PATH."""
    require_wrk()
    prepare_machine()
    os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    CACHE.mkdir(parents=True, exist_ok=True)


@dataclass(frozen=True)
class Round:
    """The results of one round of a contender.

    Attributes
    ----------
    first_answer_s
        Seconds from the start of the server to its first correct answer.
    loads
        The result for each of `CONNECTIONS`.
    memory
        Memory of all its processes after the loads, in bytes.
    """

    first_answer_s: float
    loads: tuple[Load, ...]
    memory: int


class Deployment:
    """An installed contender, with its folders, its environment and its requests.

    Parameters
    ----------
    contender
        The contender.
    cache
        Folder for all contenders. The virtual environments in it are reused by later runs.
    served
        The model and the images.
    """

    def __init__(self, contender: Contender, cache: Path, served: Served) -> None:
        self.contender, self.served = contender, served
        self.folder = cache / contender.name / "files"
        self.environment = cache / contender.name / "environment"
        self._bodies = cache / contender.name / "bodies"
        self._refusal = ""

    def prepare(self) -> None:
        """Install the packages of the contender, and write the bodies of its requests.

        Raises
        ------
        NotStartedError
            A program or a package is missing.
        """
        if self.contender.needs and not shutil.which(self.contender.needs):
            raise NotStartedError(f"it needs {self.contender.needs}, which is not in PATH")
        self.folder.mkdir(parents=True, exist_ok=True)
        if self.contender.requirements:
            make_environment(self.environment, self.contender.requirements)
        self._bodies.mkdir(exist_ok=True)
        for body, file in zip(self.bodies, self.served.image_files, strict=True):
            body.write_bytes(self.contender.body(file.read_bytes()))
        for command in self.contender.prepare:
            self._run(command, {}).process.wait()

    @property
    def bodies(self) -> list[Path]:
        """Files with the bodies of the requests, one per image."""
        return [self._bodies / file.stem for file in self.served.image_files]

    def filled(self, text: str, port: int = 0) -> str:
        """Replace the placeholders in a command, a setting or the text of a file."""
        ports = {"port1": free_port(), "port2": free_port()} if port else {}
        return text.format(
            port=port,
            **ports,
            folder=self.folder,
            env=self.environment,
            root=ROOT,
            models=self.served.models_dir,
            weights=self.served.weights,
        )

    def _run(self, command: str, settings: dict[str, str], port: int = 0) -> Server:
        own = {"SERVING_WEIGHTS": str(self.served.weights), "SERVING_PORT": str(port)}
        if self.contender.requirements:
            own["PATH"] = f"{self.environment / 'bin'}{os.pathsep}{os.environ['PATH']}"
        folder = PEERS if self.contender.requirements else ROOT
        return Server(self.filled(command, port), own | settings, self.folder / "log", folder)

    @contextmanager
    def running(self) -> Iterator[tuple[int, float]]:
        """Run the contender; yield its port and the seconds to its first correct answer.

        Raises
        ------
        NotStartedError
            The server ended, gave a wrong answer, or gave no answer in time.
        """
        port = free_port()
        for name, text in self.contender.files.items():
            (self.folder / name).write_text(self.filled(text, port))
        settings = {name: self.filled(text, port) for name, text in self.contender.settings.items()}
        server = self._run(self.contender.command, settings, port)
        try:
            while not self._answers(port):
                server.check()
                if time.perf_counter() - server.started > START_S:
                    reason = f"no correct answer in {START_S} s. {self._refusal}"
                    raise NotStartedError(reason.strip())
                time.sleep(0.005)
            yield port, time.perf_counter() - server.started
        finally:
            server.stop()
            end_all()

    def _answers(self, port: int) -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        headers = {"Content-Type": self.contender.content_type}
        try:
            connection.request("POST", self.contender.path, self.bodies[0].read_bytes(), headers)
            answer = connection.getresponse()
            content = answer.read()
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()
        if answer.status != 200:
            self._refusal = f"Last: {answer.status} {content[:200].decode(errors='replace')}"
            return False
        probabilities = self.contender.probabilities(json.loads(content))
        if not np.allclose(probabilities, self.served.probabilities[0], atol=1e-5):
            raise NotStartedError(f"it gives wrong probabilities: {probabilities}")
        return True

    def round(self, seconds: float) -> Round:
        """Start the contender, measure it at each number of connections, and stop it."""
        with self.running() as (port, first_answer_s):
            url = f"http://127.0.0.1:{port}{self.contender.path}"
            self._load(url, 16, WARM_UP_S)
            loads = tuple(self._load(url, connections, seconds) for connections in CONNECTIONS)
            return Round(first_answer_s, loads, memory())

    def _load(self, url: str, connections: int, seconds: float) -> Load:
        return run_wrk(
            wrk_command(url, connections, seconds, self.contender.content_type, self.bodies)
        )
