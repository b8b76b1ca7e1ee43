"""Time tasks, each in its own process, so that no task affects another."""

import multiprocessing
import os
import resource
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Protocol


class Task(Protocol):
    """The work that a contender repeats."""

    def __call__(self) -> object:
        """Do the work once."""


@dataclass(frozen=True)
class Run:
    """The measurements of one run.

    Attributes
    ----------
    seconds
        CPU time of all threads. For one thread on an idle machine, it equals the wall-clock time.
        It excludes the time of other processes.
    peak_memory
        Peak memory of the process so far, in bytes.
    """

    seconds: float
    peak_memory: int


class Contender:
    """A process that prepares a task once, and times each run on request."""

    def __init__(self, prepare: Callable[[], Task], environment: Mapping[str, str] = {}) -> None:
        context = multiprocessing.get_context("spawn")
        self._connection, theirs = context.Pipe()
        kept = dict(os.environ)
        os.environ.update(environment)  # some variables are read when a process starts
        self._process = context.Process(target=_serve, args=(theirs, prepare), daemon=True)
        self._process.start()
        os.environ.clear()
        os.environ.update(kept)

    def run(self) -> Run:
        """Run the task once."""
        self._connection.send(True)
        return self._connection.recv()

    def close(self) -> None:
        """End the process."""
        self._connection.send(False)
        self._process.join()


def _serve(connection: Connection, prepare: Callable[[], Task]) -> None:
    task = prepare()
    while connection.recv():
        started = time.process_time()
        task()
        seconds = time.process_time() - started
        usage = resource.getrusage(resource.RUSAGE_SELF)
        connection.send(Run(seconds, usage.ru_maxrss * 1024))


def alternate(contenders: list[Contender], runs: int) -> list[list[Run]]:
    """Run the contenders in turns, then end them.

    Because they run in turns, other work of the machine slows all of them equally.

    Parameters
    ----------
    contenders
        The contenders. Each has one extra run at the start, to warm up.
    runs
        Number of runs of each contender, without the extra run.

    Returns
    -------
    list[list[Run]]
        For each contender, its runs.
    """
    for contender in contenders:
        contender.run()
    rounds = [[contender.run() for contender in contenders] for _ in range(runs)]
    for contender in contenders:
        contender.close()
    return [list(runs) for runs in zip(*rounds, strict=True)]
