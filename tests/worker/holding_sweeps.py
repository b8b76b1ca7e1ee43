"""A worker that waits at a point of a sweep, as `tests.worker.holding` does at those of a job.

With N trials so far, the points are ``chosen-N`` (the parameters of the next one are chosen, but it
is not submitted), ``park-N`` (before the sweep waits for a trial) and ``parked-N`` (after it does).
"""

from jobs.sweeps import Sweeps
from tests.worker.holding import app as app
from tests.worker.holding import hold
from worker import sweep


def choose_and_hold(search, trials, seed):
    chosen = choose(search, trials, seed)
    hold(f"chosen-{len(trials)}")
    return chosen


def hold_and_park(sweeps, claim, state, fields):
    hold(f"park-{len(state.all)}")
    outcome = park(sweeps, claim, state, fields)
    hold(f"parked-{len(state.all)}")
    return outcome


choose, sweep.choose = sweep.choose, choose_and_hold
park, Sweeps.park = Sweeps.park, hold_and_park
