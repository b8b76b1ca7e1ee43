"""When a training saves its state, and how the next attempt continues from it."""

import logging
import time

import numpy as np

from jobs.claims import Claim
from stepbox.store.checkpoints import CheckpointStore
from stepbox.training.step_record import Recorder
from stepbox.training.trainer import Trainer
from worker.reporter import Reporter

log = logging.getLogger(__name__)

PARTS = "parts of the record"  # in a checkpoint: a row of numbers for each
WITHIN_EPOCHS_S = 30.0  # time between two checkpoints, if an epoch takes longer
# The least time between two checkpoints. A checkpoint takes some milliseconds, which is longer than
# an epoch of a few hundred points.
BETWEEN_EPOCHS_S = 0.1


class Checkpoints:
    """The checkpoints of one attempt to run a job."""

    def __init__(self, store: CheckpointStore, claim: Claim, reporter: Reporter) -> None:
        self._store = store
        self._claim = claim
        self._reporter = reporter
        self._saved_at = time.monotonic()
        self._parts: list[list[int]] = []  # of the record: first step, last step, fence

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
        if trainer.recorder is None:
            log.info("job %s: the steps of its model will not be kept", self._claim.job)
        return True

    def due(self) -> bool:
        """Return whether the last checkpoint is older than `WITHIN_EPOCHS_S`."""
        return time.monotonic() - self._saved_at > WITHIN_EPOCHS_S

    def save_epoch(self, trainer: Trainer) -> str | None:
        """Save as `save` does, unless the last checkpoint is newer than `BETWEEN_EPOCHS_S`."""
        recent = time.monotonic() - self._saved_at < BETWEEN_EPOCHS_S
        return None if recent else self.save(trainer)

    def save(self, trainer: Trainer) -> str | None:
        """Save the trainer's state; return the checkpoint's name, or None if it cannot be written.

        Without a checkpoint the training continues, but the next attempt has more to repeat.
        """
        self._saved_at = time.monotonic()
        job, fence = self._claim.job, int(self._claim.fence)
        state = trainer.state()
        try:
            if trainer.recorder is not None:
                self._save_steps(trainer.recorder)
                state[PARTS] = np.array(self._parts, np.int64).reshape(-1, 3)
            name = self._store.save(job, fence, state)
            self._store.prune(job, fence, {name, *self._reporter.checkpoints()})
        except OSError as error:
            log.warning("job %s: no checkpoint is written: %s", job, error)
            return None
        return name

    def _save_steps(self, recorder: Recorder) -> None:
        """Save what is new in the record of the steps."""
        first = self._parts[-1][1] + 1 if self._parts else 1
        if recorder.steps_done >= first:
            fence = int(self._claim.fence)
            self._store.save_part(self._claim.job, fence, recorder.part(first))
            self._parts.append([first, recorder.steps_done, fence])
