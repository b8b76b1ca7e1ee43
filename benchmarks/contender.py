"""Something to be timed, in a process of its own: what one leaves behind cannot help another."""

import multiprocessing
import os
import resource
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Protocol


class Task(Protocol):
    """What a contender does again and again."""

    def __call__(self) -> object:
        """Do it once."""


@dataclass(frozen=True)
class Run:
    """One run.

    Attributes
    ----------
    seconds
        Of the clock on the wall.
    peak_memory
        The most that the process has held so far, bytes.
    """

    seconds: float
    peak_memory: int


class Contender:
    """A process that prepares a task once, and times each run of it when told to."""

    def __init__(self, prepare: Callable[[], Task], environment: Mapping[str, str] = {}) -> None:
        context = multiprocessing.get_context("spawn")
        self._connection, theirs = context.Pipe()
        kept = dict(os.environ)
        os.environ.update(environment)  # some settings are read as a process starts
        self._process = context.Process(target=_serve, args=(theirs, prepare), daemon=True)
        self._process.start()
        os.environ.clear()
        os.environ.update(kept)

    def run(self) -> Run:
        """Do the task once."""
        self._connection.send(True)
        return self._connection.recv()

    def close(self) -> None:
        """End the process."""
        self._connection.send(False)
        self._process.join()


def _serve(connection: Connection, prepare: Callable[[], Task]) -> None:
    task = prepare()
    while connection.recv():
        started = time.perf_counter()
        task()
        seconds = time.perf_counter() - started
        usage = resource.getrusage(resource.RUSAGE_SELF)
        connection.send(Run(seconds, usage.ru_maxrss * 1024))


def alternate(contenders: list[Contender], runs: int) -> list[list[Run]]:
    """Let contenders run in turns, so that a busy machine slows each as much; then end them.

    Parameters
    ----------
    contenders
        Ready, or about to be; each has one run more, uncounted, to warm up.
    runs
        Runs of each that count.

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
