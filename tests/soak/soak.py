"""Run clients while something happens to the machines, then look at everything and check it."""

import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.processes import wait_until
from tests.soak.book import Book
from tests.soak.checker import KINDS, check
from tests.soak.clients import Client
from tests.soak.cluster import START_S, Cluster, cluster_in
from tests.soak.expected import expect
from tests.soak.faults import NETWORK, PROCESSES, Injector, draw
from tests.soak.history import FINAL, Call, is_whole, name_of, read_history

LONG: Mapping[str, Any] = {"epochs": 3, "hidden_sizes": (128,), "seed": 3}  # epochs of seconds
LISTED_S = 60  # until every API lists every model


@dataclass(frozen=True)
class Soak:
    """What happens during a soak can use these parts.

    Attributes
    ----------
    cluster
        The machines.
    injector
        Of the faults.
    client
        A client besides those that do what users do.
    """

    cluster: Cluster
    injector: Injector
    client: Client


Schedule = Callable[[Soak], None]


def storm(seconds: float, seed: int) -> Schedule:
    """Return a schedule of random faults, of the network and of processes at the same time."""

    def happen(soak: Soak) -> None:
        stop = threading.Event()
        with ThreadPoolExecutor(2) as pool:
            lanes = [
                pool.submit(soak.injector.run, draw(kinds, seed + at), stop)
                for at, kinds in enumerate((NETWORK, PROCESSES))
            ]
            stop.wait(seconds)
            stop.set()
            for lane in lanes:
                lane.result()

    return happen


def run_soak(
    folder: Path,
    schedule: Schedule,
    seed: int,
    *,
    users: int = 3,
    mutant: str | None = None,
    patience_s: float = 1800,
) -> dict[str, Any]:
    """Start a cluster, let clients use it while a schedule happens, and check what they saw.

    Parameters
    ----------
    folder
        For everything, among it ``history.jsonl`` and ``faults.txt``.
    schedule
        What happens. It has to end all faults.
    seed
        Of what the clients do.
    users
        Number of clients that do what users do.
    mutant
        The deliberate fault in the code of workers and APIs.
    patience_s
        How long to wait for the last job after the faults.

    Returns
    -------
    dict
        Counts, and for each of `KINDS` the list of what was found.
    """
    options = {}
    if mutant:
        options = {
            "worker": "tests.soak.mutated_worker",
            "service": "tests.soak.mutated_service:app",
            "SOAK_MUTANT": mutant,
        }
    folder.mkdir(parents=True, exist_ok=True)
    with (
        closing(Book(folder / "history.jsonl")) as book,
        cluster_in(folder / "hosts", **options) as cluster,
    ):
        acting = [Client(f"user{at}", cluster.urls, book, seed + at) for at in range(users)]
        injector = Injector(cluster, folder / "faults.txt")
        soak = Soak(cluster, injector, Client("author", cluster.urls, book, seed))
        stop = threading.Event()
        with ThreadPoolExecutor(users) as pool:
            ending = [pool.submit(user.use, stop) for user in acting]
            try:
                schedule(soak)
            finally:
                stop.set()
            for one in ending:
                one.result()
        quiet = time.monotonic()
        audit(cluster, Client("audit", cluster.urls, book, seed), book, patience_s)
        audited_s = round(time.monotonic() - quiet, 1)
    history = read_history(folder / "history.jsonl")
    trained = [call.request["fields"] for call in history if call.operation == "submit"]
    wanted = {name_of(fields): expect(fields) for fields in trained}  # each is made only once
    expected = {name: result for name, result in wanted.items() if result}
    violations = check(history, expected)
    jobs = _last_listing(history)
    ends = [job for job in jobs if job["status"] in FINAL]
    return {
        "calls": len(history),
        "without_answer": sum(call.status is None for call in history),
        "unavailable": sum(call.status == 503 for call in history),
        "jobs": len(jobs),
        "sweeps": sum(job["kind"] == "sweep" for job in jobs),
        "trials": sum(job["trial"] is not None for job in jobs),
        "pruned": sum(job["pruned"] for job in jobs),
        "succeeded": sum(job["status"] == "succeeded" for job in ends),
        "cancelled": sum(job["status"] == "cancelled" and not job["pruned"] for job in ends),
        "attempts_at_most": max((job["attempts"] for job in ends), default=0),
        "all_over_and_read_s": audited_s,
        "faults": injector.counts,
        **{kind: [one.text for one in violations if one.kind == kind] for kind in KINDS},
    }


def audit(cluster: Cluster, client: Client, book: Book, patience_s: float) -> None:
    """Wait until everything works and all jobs are over; then read everything, at each API."""
    wait_until(cluster.is_whole, seconds=START_S, every=0.5, what="all parts to work again")
    for key, fields in list(book.unclear.items()):
        _until_ok(lambda key=key, fields=fields: client.submit(key, fields))
    with suppress(AssertionError):  # then the history says what is lost
        wait_until(cluster.all_over, seconds=patience_s, every=0.5)
    for api in cluster.urls:
        jobs = _until_ok(lambda api=api: client.jobs(api)).answer or []
        for job in jobs:
            _until_ok(lambda id=job["id"], api=api: client.job(id, api))
            if job["kind"] == "sweep":
                _until_ok(lambda id=job["id"], api=api: client.sweep(id, api))
            with suppress(AssertionError):  # as above
                _until_ok(
                    lambda id=job["id"], api=api: client.events(id, again=True, api=api),
                    is_whole if job["status"] in FINAL else lambda _: True,
                )
        models = {job["model"] for job in jobs if job["model"]}
        with suppress(AssertionError):  # as above; reading a card would let the API list it
            wait_until(
                lambda api=api, models=models: _lists(client.models(api), models),
                seconds=LISTED_S,
                every=1,
            )
        for model in models:
            _until_ok(lambda model=model, api=api: client.card(model, api))
            _until_ok(lambda model=model, api=api: client.predict(model, api))


def _until_ok(ask: Callable[[], Call], is_enough: Callable[[Call], bool] = lambda _: True) -> Call:
    """Ask until there is a whole answer, or an error; no fault is active, but machines are busy."""
    found: list[Call] = []

    def answered() -> bool:
        found.append(ask())
        call = found[-1]
        return call.status not in (None, 429, 503) and (call.answer is None or is_enough(call))

    wait_until(answered, seconds=START_S, every=0.5, what="an answer")
    return found[-1]


def _lists(call: Call, models: set[str]) -> bool:
    return bool(call.answer) and models <= {model for model, _ in call.answer["models"]}


def _last_listing(history: list[Call]) -> list[dict[str, Any]]:
    listings = [call.answer for call in history if call.operation == "jobs" and call.answer]
    return listings[-1] if listings else []
