"""Run a trial of a sweep: a training that is only validated. It never uses the test set.

A trial publishes no model. Its figures in the record are all that the sweep needs.
"""

from collections.abc import Callable
from typing import TypeVar

from jobs.claim import Claim
from jobs.sweeps import Sweeps
from stepbox.errors import NotFoundError
from stepbox.memory import loading_explained
from stepbox.training.trainer import Trainer
from worker.checkpoints import Checkpoints
from worker.reporter import JobCancelledError, Reporter, TrialPrunedError, insist
from worker.stores import Stores
from worker.training import prepare, run_epochs

T = TypeVar("T")


def run_trial(stores: Stores, claim: Claim, reporter: Reporter) -> None:
    """Run the claimed trial.

    Raises
    ------
    InvalidInputError
        The parameters make no valid recipe for the data set.
    TrialPrunedError
        The sweep ends the trial early.
    """
    recipe = claim.recipe
    assert recipe is not None  # the job is a training
    recipe.fitted(stores.datasets.spec(recipe.dataset))
    search = _of_sweep(Sweeps(stores.jobs).search, claim)
    trainer = prepare(stores, claim)
    trainer.recorder = None  # nobody opens the steps of a trial
    with Checkpoints(stores.checkpoints, claim, reporter) as checkpoints:

        def after_epoch() -> None:
            if search.asks_after(trainer.epochs_done):
                _stop_if_pruned(stores, claim, reporter, trainer, checkpoints)

        run_epochs(trainer, None, checkpoints, reporter, after_epoch)


def _stop_if_pruned(
    stores: Stores,
    claim: Claim,
    reporter: Reporter,
    trainer: Trainer,
    checkpoints: Checkpoints,
) -> None:
    """Ask the pruner of the sweep, once the figures of the epoch are stored.

    The answer depends only on the records. So an attempt that goes on from a checkpoint asks again
    first, in case the attempt before had no time to.
    """
    epoch = trainer.epochs_done
    if epoch in (0, trainer.recipe.epochs):
        return
    checkpoints.wait()
    reporter.flush()
    with loading_explained():
        from worker.study import is_pruned

    sweep = _of_sweep(Sweeps(stores.jobs).get, claim)
    trials = sweep.trials
    number = next(trial.number for trial in trials if trial.job == claim.job)
    if is_pruned(sweep.search, trials, number, epoch):
        raise TrialPrunedError


def _of_sweep(read: Callable[[str], T], claim: Claim) -> T:
    """Read something of the sweep of a trial.

    A sweep that is deleted or archived has ended, and cancelled its trials before.
    """
    assert claim.sweep is not None
    try:
        return insist(read, claim.sweep)
    except NotFoundError:
        raise JobCancelledError from None
