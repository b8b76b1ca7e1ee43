"""When a training saves its state, and how the next attempt continues from it."""

import logging
import time

from jobs.claims import Claim
from stepbox.store.checkpoints import CheckpointStore
from stepbox.training.trainer import Trainer
from worker.reporter import Reporter

log = logging.getLogger(__name__)

WITHIN_EPOCHS_S = 30.0  # time between two checkpoints, if an epoch takes longer


class Checkpoints:
    """The checkpoints of one attempt to run a job."""

    def __init__(self, store: CheckpointStore, claim: Claim, reporter: Reporter) -> None:
        self._store = store
        self._claim = claim
        self._reporter = reporter
        self._saved_at = time.monotonic()

    def restore(self, trainer: Trainer) -> None:
        """Restore the last checkpoint of the earlier attempts, if there is one."""
        if self._claim.checkpoint is None:
            return
        state = self._store.load(self._claim.job, self._claim.checkpoint)
        # A checkpoint of another version of Stepbox may have other arrays.
        if state is None or not trainer.arrays().keys() <= state.keys():
            log.warning("job %s: the checkpoint cannot be used, starting again", self._claim.job)
            return
        trainer.restore(state)
        log.info("job %s: going on from %s", self._claim.job, self._claim.checkpoint)

    def due(self) -> bool:
        """Return whether the last checkpoint is older than `WITHIN_EPOCHS_S`."""
        return time.monotonic() - self._saved_at > WITHIN_EPOCHS_S

    def save(self, trainer: Trainer) -> str | None:
        """Save the trainer's state; return the checkpoint's name, or None if it cannot be written.

        Without a checkpoint the training continues, but the next attempt has more to repeat.
        """
        self._saved_at = time.monotonic()
        job, fence = self._claim.job, int(self._claim.fence)
        try:
            name = self._store.save(job, fence, trainer.state())
            self._store.prune(job, fence, {name, *self._reporter.checkpoints()})
        except OSError as error:
            log.warning("job %s: no checkpoint is written: %s", job, error)
            return None
        return name
