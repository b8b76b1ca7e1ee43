"""When a training saves its state, and how the next attempt continues from it."""

import logging
import time
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Self

import numpy as np

from jobs.claim import Claim
from jobs.logs import about
from stepbox.errors import UnavailableError
from stepbox.nn.activations import Array
from stepbox.store.checkpoints import CheckpointStore
from stepbox.training.live import LiveFigures
from stepbox.training.report import HistoryEntry
from stepbox.training.trainer import Trainer
from worker.reporter import Reporter

log = logging.getLogger(__name__)

PARTS = "parts of the record"  # in a checkpoint: a row of numbers for each
WITHIN_EPOCHS_S = 30.0  # time between two checkpoints, if an epoch takes longer
# The least time between two checkpoints. A checkpoint takes some milliseconds, which is longer than
# an epoch of a few hundred points.
BETWEEN_EPOCHS_S = 0.1


class Checkpoints:
    """The checkpoints of one attempt to run a job.

    Use it as a context manager. A thread writes the checkpoints, so that the training does not wait
    for the disk. On exit, the last one has been written, and the thread ends.
    """

    def __init__(self, store: CheckpointStore, claim: Claim, reporter: Reporter) -> None:
        self._store = store
        self._claim = claim
        self._reporter = reporter
        self._saved_at = time.monotonic() - BETWEEN_EPOCHS_S  # epoch 0 has a checkpoint
        self._parts: list[list[int]] = []  # of the record: first step, last step, fence
        self._thread = ThreadPoolExecutor(1, f"checkpoints-{claim.job}")
        self._written: Future[None] | None = None

    def restore(self, trainer: Trainer) -> None:
        """Restore the last checkpoint of the earlier attempts, if there is one."""
        if self._claim.checkpoint is None:
            return
        job = self._claim.job
        if self._restored(trainer, self._claim.checkpoint):
            log.info("job %s: going on from %s", job, self._claim.checkpoint)
        else:
            log.warning("job %s: the checkpoint cannot be used, starting again", job)

    def _restored(self, trainer: Trainer, name: str) -> bool:
        """Restore a checkpoint; return whether it and all parts of its record could be read."""
        state = self._store.load(self._claim.job, name)
        # A checkpoint of another version of Stepbox may have other arrays.
        if state is None or not trainer.arrays().keys() <= state.keys():
            return False
        # A checkpoint of an earlier version has no parts: then the steps are not kept.
        if trainer.recorder is not None and PARTS in state:
            rows = state[PARTS].tolist()
            loaded = [self._store.load_part(self._claim.job, *row) for row in rows]
            parts = [part for part in loaded if part is not None]
            if len(parts) < len(rows):
                return False
            try:
                for part in parts:
                    trainer.recorder.add(part)
                self._parts = rows
            except (KeyError, IndexError, ValueError):  # another version kept other steps
                trainer.recorder = None
        trainer.restore(state)
        live = LiveFigures.of_state(state)
        if live is not None:
            trainer.predictions, trainer.predicted_epoch = live.predictions, live.predicted_epoch
        if trainer.recorder is None:
            log.info("job %s: the steps of its model will not be kept", self._claim.job)
        return True

    def due(self) -> bool:
        """Return whether the last checkpoint is older than `WITHIN_EPOCHS_S`."""
        return time.monotonic() - self._saved_at > WITHIN_EPOCHS_S

    def save(self, trainer: Trainer, epoch: HistoryEntry | None = None) -> None:
        """Save the trainer's state, and report it together with the epoch that it ends.

        The thread writes it, and reports it when it is complete. Only one checkpoint is written at
        a time: this waits for the one before, and raises what that one raised. If one cannot be
        written, the training continues, but the next attempt has more to repeat. At the end of an
        epoch soon after the last checkpoint, none is saved, and the epoch is reported alone.
        """
        self.wait()
        entry = epoch.model_dump() if epoch else None
        recent = time.monotonic() - self._saved_at < BETWEEN_EPOCHS_S
        if entry and recent and trainer.device == "cpu":  # a GPU would not repeat an epoch exactly
            self._reporter.point(entry, None)
            return
        self._saved_at = time.monotonic()
        part = None
        if trainer.recorder is not None:
            first = self._parts[-1][1] + 1 if self._parts else 1
            # Its arrays share memory with the recorder, which never changes what it has recorded.
            part = trainer.recorder.part(first)
        state, live = trainer.state(), LiveFigures.of(trainer)
        if live is not None:
            state |= live.arrays()
        self._written = self._thread.submit(self._report, state, part, entry)

    def wait(self) -> None:
        """Wait until all checkpoints have been written; raise what the last one raised."""
        if self._written is not None:
            self._written.result()

    def _report(
        self,
        state: dict[str, Array],
        part: Mapping[str, Array] | None,
        epoch: Mapping[str, Any] | None,
    ) -> None:
        with about(self._claim.job, self._claim.request_id):
            try:
                name = self._write(state, part)
            except (OSError, UnavailableError) as error:
                log.warning("job %s: no checkpoint is written: %s", self._claim.job, error)
                name = None
            self._reporter.point(epoch, name)

    def _write(self, state: dict[str, Array], part: Mapping[str, Array] | None) -> str:
        """Write what is new in the record of the steps, then the state, which names all parts."""
        job, fence = self._claim.job, int(self._claim.fence)
        if part is not None:
            first, last = (int(step) for step in part["steps"])
            if first <= last:
                self._store.save_part(job, fence, part)
                self._parts.append([first, last, fence])
            state[PARTS] = np.array(self._parts, np.int64).reshape(-1, 3)
        name = self._store.save(job, fence, state)
        self._store.prune(job, fence, {name, *self._reporter.checkpoints()})
        return name

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._thread.shutdown()
