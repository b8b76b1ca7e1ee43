"""Deliberate faults in the code, and for each a schedule that shows it.

`apply` changes the code of the process that calls it, before it imports the code that is to be
changed: `tests.soak.mutated_worker` and `tests.soak.mutated_service` do.
"""

import logging
import shutil
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest.mock import patch

from jobs import reader
from tests.soak import scenes
from tests.soak.soak import Schedule

log = logging.getLogger(__name__)
FROZEN_S = 8  # a process that did nothing for so long was frozen


@dataclass(frozen=True)
class Mutant:
    """A deliberate fault.

    Attributes
    ----------
    what
        What is wrong.
    shows
        A regular expression for what the checker says about it.
    provoke
        Something during which it matters.
    scripts
        For some of the scripts of Redis: a text in it, and what it becomes.
    change
        Changes Python code.
    """

    what: str
    shows: str
    provoke: Schedule
    scripts: dict[str, list[tuple[str, str]]] = field(default_factory=dict)
    change: Callable[[], None] = lambda: None


def apply(name: str) -> None:
    """Make a deliberate fault in this process."""
    mutant = MUTANTS[name]
    folder = Path(tempfile.mkdtemp()) / "lua"
    shutil.copytree(reader.SCRIPTS, folder)
    for script, changes in mutant.scripts.items():
        path = folder / f"{script}.lua"
        path.write_text(changed(path.read_text(), changes))
    reader.SCRIPTS = folder
    mutant.change()


def changed(text: str, changes: list[tuple[str, str]]) -> str:
    """Change a script; raise ValueError if it has not what is to be changed."""
    for old, new in changes:
        if old not in text:
            raise ValueError(f"no script has {old!r}")
        text = text.replace(old, new)
    return text


# -- changes of the code ------------------------------------------------------------------


def _replace(target: object, name: str, new: Any) -> None:
    """Replace an attribute; raise AttributeError if there is none."""
    patch.object(target, name, new).start()


def _expire_at_once() -> None:
    from worker import leases

    _replace(leases, "LEASE_CHECKS", 0)


def _expire_never() -> None:
    from worker.leases import Leases

    _replace(Leases, "expired", lambda self, beats: [])


def _write_card_first() -> None:
    from stepbox.store import models

    weights, card = models.WEIGHTS, models.CARD
    _replace(models, "WEIGHTS", card)
    _replace(models, "CARD", weights)


def _list_once() -> None:
    from service.store_watch import StoreWatch

    def follow(self: Any, cursor: str) -> str:
        threading.Event().wait()
        return cursor

    _replace(StoreWatch, "_follow", follow)


def _publish_later() -> None:
    from stepbox.store.models import ModelStore

    publish = ModelStore.publish

    def later(self: ModelStore, *arguments: Any) -> None:
        threading.Timer(10, publish, (self, *arguments)).start()

    _replace(ModelStore, "publish", later)


def _restore_badly() -> None:
    from stepbox.store.checkpoints import CheckpointStore

    load = CheckpointStore.load

    def rounded(self: CheckpointStore, job: str, name: str) -> Any:
        state = load(self, job, name)
        if state is None:
            return None
        return {key: a * (1 + 1e-6) if a.dtype.kind == "f" else a for key, a in state.items()}

    _replace(CheckpointStore, "load", rounded)


def _submit_slowly() -> None:
    """Let the first claim of a sweep wait until its machine was frozen, which alone is no fault."""
    from jobs.sweeps import Sweeps

    submit = Sweeps.submit_trial

    def later(self: Sweeps, claim: Any, *arguments: Any, **options: Any) -> Any:
        if int(claim.fence) == 1:
            log.info(scenes.CHOSEN.format(id=claim.job))
            seen = began = time.monotonic()
            while time.monotonic() < seen + FROZEN_S and seen < began + 120:
                seen = time.monotonic()
                time.sleep(0.1)
        return submit(self, claim, *arguments, **options)

    _replace(Sweeps, "submit_trial", later)


def _park_late() -> None:
    """Let a worker wait for the end of a trial before a sweep parks, which alone is no fault."""
    from jobs.sweeps import Sweeps

    park = Sweeps.park

    def later(self: Sweeps, claim: Any, state: Any, fields: Any) -> Any:
        for _ in range(100):  # s; it may be another sweep's turn
            time.sleep(1)
            if self.get(claim.job).ended != state.ended:
                break
        return park(self, claim, state, fields)

    _replace(Sweeps, "park", later)


def _seed_without_number() -> None:
    from optuna.samplers import RandomSampler

    from worker import study

    _replace(study, "RandomSampler", lambda _: RandomSampler(0))


_ANY_CLAIM = [("verdict(id, fence)", "verdict(id, redis.call('HGET', key_of(id), 'fence'))")]

MUTANTS = {
    "finish-any-claim": Mutant(
        "a worker that has lost a job may finish it",
        r"is \w+ after it was|has the ends",
        scenes.freeze_publishing,
        {
            "finish": [
                ("if answer == 'lost' then", "if false then"),
                ("if record[2] == fence and record[1] == status then", "if false then"),
            ]
        },
    ),
    "report-any-claim": Mutant(
        "a worker that has lost a job may report and store checkpoints",
        r"fell back from|events of job \w+ (are|do not stop)",
        scenes.freeze_training,
        {"report": _ANY_CLAIM},
    ),
    "decide-any-claim": Mutant(
        "a worker that has lost a job may decide which model it publishes",
        "has the models? |has the ends",
        scenes.freeze_staging,
        {"decide": [("if answer == 'go on' then", "answer = 'go on'\nif true then")]},
    ),
    "no-lease": Mutant("no lease expires", "did not end", scenes.lose_host, change=_expire_never),
    "hasty-lease": Mutant(
        "every lease expires at once, whatever its worker reports",
        "did not end|failed: ",
        scenes.train,
        {"transitions": [("local silent = beat == '' or", "local silent = true or")]},
        _expire_at_once,
    ),
    "card-first": Mutant(
        "a model's card is written before its weights",
        "was damaged|^illegal: card .*status 409",
        scenes.freeze_with_card,
        change=_write_card_first,
    ),
    "success-first": Mutant(
        "a job succeeds before its model is published",
        "^lost: card .*status 404",
        scenes.publish_slowly,
        change=_publish_later,
    ),
    "keys-ignored": Mutant(
        "the idempotency key is ignored",
        "has the jobs",
        scenes.submit_twice,
        {"submit": [("if idempotency ~= '' then\n  local", "if false then\n  local")]},
    ),
    "cancel-ignored": Mutant(
        "the flag of a cancelled job is ignored",
        "its cancel was accepted",
        scenes.cancel_training,
        {
            "transitions": [
                ("record[3] and not is_decided(id)", "false"),
                ("record[1] and not decided", "false"),
            ]
        },
    ),
    "events-repeated": Mutant(
        "losses and epochs are stored again when they are trained again",
        r"events of job \w+ are",
        scenes.kill_within_epoch,
        {
            "report": [
                (
                    "if not last or cjson.decode(ARGV[i])[1] > cjson.decode(last)[1] then",
                    "if true then",
                ),
                ("return (not last or number > cjson.decode(last)[1])", "return true"),
            ]
        },
    ),
    "list-kept": Mutant(
        "an API lists the models once, and never again",
        "model .* is not listed at",
        scenes.train,
        change=_list_once,
    ),
    "checkpoint-changed": Mutant(
        "a checkpoint is not restored exactly",
        "^differing: ",
        scenes.kill_within_epoch,
        change=_restore_badly,
    ),
    "park-always": Mutant(
        "a sweep waits for its trials, although one of them has ended meanwhile",
        "did not end",
        scenes.search,
        {
            "park": [
                (
                    "if (redis.call('HGET', key_of(id), 'ended') or '0') ~= ended then",
                    "if false then",
                )
            ]
        },
        _park_late,
    ),
    "trial-any-claim": Mutant(
        "a worker that has lost a sweep may submit its trial",
        r"^doubled: trial \d+ of sweep \w+ has the jobs",
        scenes.freeze_sweep,
        {"trial": [("if answer == 'go on' and redis", "if true or redis")]},
        _submit_slowly,
    ),
    "seed-without-number": Mutant(
        "the sampler is seeded without the number of the trial",
        r"^differing: trial \d+ of sweep",
        scenes.search,
        change=_seed_without_number,
    ),
}
