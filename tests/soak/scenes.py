"""Schedules that each bring about one moment at which a deliberate fault in the code matters."""

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from tests.faults.storm import RECIPES
from tests.faults.sweeps import SWEEPS
from tests.processes import wait_until
from tests.soak.cluster import CENTRE
from tests.soak.history import FINAL
from tests.soak.soak import LONG, Schedule, Soak

WAIT_S = 300  # for a moment
GONE_S = 150  # for what a mutant may never do
SHORT = RECIPES[1]
RANDOM_SWEEP = SWEEPS[1]
CHOSEN = "job {id}: has chosen a trial"  # what a mutated worker logs
ALL_EPOCHS = SHORT["epochs"] + 1  # with that of the untrained network


def _submitted(soak: Soak, fields: Any, key: str = "author") -> str:
    """Submit a job; return its id."""
    call = wait_until(
        lambda: (call := soak.client.submit(key, fields)).status == 202 and call,
        seconds=WAIT_S,
        what="a job to be accepted",
    )
    return call.answer["id"]


def _until(soak: Soak, id: str, holds: Callable[[Any], Any]) -> Any:
    """Wait until something is true for the record of a job."""
    return wait_until(
        lambda: holds(soak.cluster.jobs.redis.hgetall(f"job:{id}")),
        seconds=WAIT_S,
        every=0.02,
        what="the moment of a fault",
    )


def _log_of(soak: Soak, host: str) -> Path:
    return soak.cluster.network.machines[host].folder / "worker.log"


def _over(record: dict[str, str]) -> bool:
    return record["status"] in FINAL


def _start(soak: Soak, fields: Any) -> tuple[str, str]:
    """Start a job on a host without Redis and the bucket; return its id and the host."""
    jobs = soak.cluster.jobs
    (centre,) = [one["name"] for one in jobs.workers() if one["name"].startswith(f"{CENTRE}@")]
    jobs.drain(centre)
    id = _submitted(soak, fields)
    record = _until(soak, id, lambda record: record["status"] != "queued" and record)
    return id, record["worker"].partition("@")[0]


def _within_epoch(soak: Soak, id: str) -> bool:
    """Tell whether losses are stored that no checkpoint has."""
    job = soak.cluster.jobs.get(id)
    done = max(0, len(job.history) - 1)
    seen = job.losses[-1].samples if job.losses else 0
    checkpoint = soak.cluster.jobs.checkpoint(id) or ""
    return job.status == "running" and done >= 1 and seen > done * 60000 + 2000 and bool(checkpoint)


def kill_within_epoch(soak: Soak) -> None:
    """Kill the machine of a training between two checkpoints."""
    id, host = _start(soak, LONG)
    wait_until(lambda: _within_epoch(soak, id), seconds=WAIT_S, every=0.05, what="an epoch")
    soak.injector.begin("killed", host)
    _until(soak, id, lambda record: record["attempts"] != "1")
    soak.injector.end("killed", host)
    _until(soak, id, _over)


def lose_host(soak: Soak) -> None:
    """Kill the machine of a training for longer than a lease."""
    id, host = _start(soak, LONG)
    soak.injector.begin("killed", host)
    with suppress(AssertionError):  # a mutant may never notice it
        wait_until(lambda: soak.cluster.jobs.redis.hget(f"job:{id}", "attempts") != "1", seconds=40)
    soak.injector.end("killed", host)


def freeze_training(soak: Soak) -> None:
    """Freeze the machine of a training until another one has overtaken it."""
    id, host = _start(soak, LONG)
    wait_until(lambda: _within_epoch(soak, id), seconds=WAIT_S, every=0.05, what="an epoch")
    soak.injector.begin("frozen", host)
    frozen_at = soak.cluster.jobs.get(id).progress.samples
    with suppress(AssertionError):
        wait_until(lambda: _overtaken(soak, id, frozen_at), seconds=WAIT_S, every=0.05)
    soak.injector.end("frozen", host)
    _until(soak, id, _over)


def _overtaken(soak: Soak, id: str, samples: int) -> bool:
    job = soak.cluster.jobs.get(id)
    return job.attempts > 1 and job.progress.samples > samples


def _freeze_when(reached: Callable[[dict[str, str]], bool]) -> Schedule:
    """Return a schedule that freezes the machine of a job at some moment until the job is over."""

    def happen(soak: Soak) -> None:
        soak.injector.begin("bucket slow")  # so that the moment is long
        id, host = _start(soak, SHORT)
        _until(soak, id, lambda record: record["status"] == "running" and reached(record))
        soak.injector.begin("frozen", host)
        _until(soak, id, lambda record: record["attempts"] != "1" or _over(record))
        soak.injector.end("bucket slow")
        _until(soak, id, _over)
        soak.injector.end("frozen", host)
        log = _log_of(soak, host)
        ends = (f"job {id}: succeeded", f"job {id}: lost to another worker", f"job {id}: failed")
        wait_until(lambda: any(end in log.read_text() for end in ends), seconds=WAIT_S)

    return happen


freeze_staging = _freeze_when(
    lambda record: "model" not in record and record.get("history_length") == str(ALL_EPOCHS)
)
freeze_publishing = _freeze_when(lambda record: "model" in record)


def freeze_with_card(soak: Soak) -> None:
    """Freeze the machine of a job as soon as the bucket has a card, and read the model."""
    soak.injector.begin("bucket slow")  # so that nothing else is written in the meantime
    id, host = _start(soak, SHORT)
    model = _until(soak, id, lambda record: record.get("model"))
    objects = soak.cluster.network.machines[CENTRE].folder / "objects"
    wait_until(
        lambda: any(objects.rglob(f"models/{model}/card.json/*")),
        seconds=WAIT_S,
        every=0.01,
        what="a card",
    )
    soak.injector.begin("frozen", host)
    for api in soak.cluster.urls:
        soak.client.card(model, api)
        soak.client.predict(model, api)
    soak.injector.end("bucket slow")
    soak.injector.end("frozen", host)
    _until(soak, id, _over)


def publish_slowly(soak: Soak) -> None:
    """List the models while one is published, and read it at once."""
    soak.injector.begin("bucket slow")
    id = _submitted(soak, SHORT)
    while not (job := soak.client.job(id).answer) or job["status"] not in FINAL:
        for api in soak.cluster.urls:
            soak.client.models(api)
    soak.injector.end("bucket slow")
    for api in soak.cluster.urls:
        soak.client.card(job["model"], api)


def submit_twice(soak: Soak) -> None:
    """Submit a job again at the other API."""
    for api in soak.cluster.urls:
        soak.client.submit("author", RECIPES[0], api)


def cancel_training(soak: Soak) -> None:
    """Cancel a training that runs."""
    id, _ = _start(soak, LONG)
    _until(soak, id, lambda record: record.get("checkpoint"))
    soak.client.cancel(id)
    _until(soak, id, _over)


def train(soak: Soak) -> None:
    """Train after the APIs have listed the models, without any fault."""
    for api in soak.cluster.urls:
        soak.client.models(api)
    id = _submitted(soak, LONG)
    _until(soak, id, _over)


def search(soak: Soak) -> None:
    """Run a sweep without any fault."""
    id = _submitted(soak, RANDOM_SWEEP)
    with suppress(AssertionError):  # a mutant may never end it
        wait_until(lambda: _over(soak.cluster.jobs.redis.hgetall(f"job:{id}")), seconds=GONE_S)


def freeze_sweep(soak: Soak) -> None:
    """Freeze the machine that has chosen a trial, until another one has submitted it."""
    id, host = _start(soak, RANDOM_SWEEP)
    log, chosen = _log_of(soak, host), CHOSEN.format(id=id)
    wait_until(lambda: chosen in log.read_text(), seconds=WAIT_S, what="a trial to be chosen")
    soak.injector.begin("frozen", host)
    _until(soak, id, lambda record: int(record["attempts"]) > 1 and "ended" in record)
    soak.injector.end("frozen", host)
    _until(soak, id, _over)
