"""Sweeps: their records, trials, transitions and events."""

import json

import pytest

from jobs.archiving import Archiver
from jobs.events import read_events
from jobs.owned import OwnedJobs
from jobs.store import JobStore
from jobs.sweep import Sweep
from jobs.sweeps import Sweeps
from jobs.watch import Death
from stepbox.data.builtin import MNIST
from stepbox.errors import ConflictError, InvalidInputError, NotFoundError
from stepbox.store.folder import FolderStore
from stepbox.training.labels import Labels
from stepbox.training.presets import RECIPES
from stepbox.training.requirements import Requirements
from stepbox.training.sweep import Search
from tests.jobs.test_job_store import OWNER, entry
from tests.jobs.test_routing import beat

RECIPE = RECIPES["mnist-numpy"].changed(validation=0.1)
SPACE = {"learning_rate": {"low": 0.1, "high": 0.3}}
NONE = Requirements()
OWN = ("submitted_by", "priority", "webhook")  # fields of the job, not of the search


@pytest.fixture
def sweeps(jobs):
    beat(jobs, "w")
    return Sweeps(jobs)


def submit(sweeps, labels=Labels(), requires=NONE, **options):  # noqa: B008
    own = {name: options.pop(name) for name in OWN if name in options}
    search = Search.model_validate({"space": SPACE, "trials": 3, **options})
    return sweeps.submit(RECIPE, search, requires=requires, labels=labels, queue_limit=9, **own).id


def add_trial(sweeps, claim, rate=0.2, **options):
    state = sweeps.get(claim.job)
    params = {"learning_rate": rate}
    recipe = state.search.trial_recipe(state.recipe, params)
    return sweeps.submit_trial(claim, state, recipe, MNIST, params, **options)


def park(sweeps, claim, state=None, **fields):
    return sweeps.park(claim, state or sweeps.get(claim.job), fields)


def run_trial(jobs, losses=(0.5,), status="succeeded", **fields):
    """Run the next job, which is a trial, to its end."""
    claim = jobs.claim(OWNER, "w")
    assert claim.is_trial
    jobs.report(claim, epoch=entry(0))
    for epoch, loss in enumerate(losses, 1):
        jobs.report(claim, epoch=entry(epoch) | {"validation_loss": loss})
    assert jobs.finish(claim, status, fields=fields) == "finished"
    return claim.job


def statuses(jobs):
    """Map the statuses to the ids that the lists have."""
    return {job.id: job.status for job in jobs.page()[0]}


def test_a_new_sweep_is_a_queued_job(jobs, sweeps):
    labels = Labels(title="Rates", notes="All", tags=("a",))
    id = submit(sweeps, labels, submitted_by="alice", priority=7)
    job = jobs.get(id)
    assert (job.kind, job.status, job.recipe, job.title) == ("sweep", "queued", RECIPE, "Rates")
    assert job.progress.model_dump() == {
        "trials_ended": 0,
        "trials": 3,
        "fraction": 0.0,
        "eta_seconds": None,
    }
    assert (job.search.trials, job.sweep, job.trial, job.history) == (3, None, None, [])
    sweep = Sweep.of(sweeps.get(id), whole=True)
    assert (sweep.status, sweep.trials, sweep.best, sweep.winner) == ("queued", [], None, None)
    assert (sweep.submitted_by, sweep.priority, sweep.tags) == ("alice", 7, ("a",))
    assert [sweep.id for sweep in sweeps.page(limit=5, after=None)[0]] == [id]


def test_an_idempotency_key_names_one_sweep(sweeps):
    search = Search.model_validate({"space": SPACE})
    key = {"requires": NONE, "labels": Labels(), "queue_limit": 9, "idempotency_key": "k"}
    first = sweeps.submit(RECIPE, search, **key)
    assert sweeps.submit(RECIPE, search, **key).id == first.id
    with pytest.raises(InvalidInputError):
        sweeps.submit(RECIPE, search.model_copy(update={"parallel": 2}), **key)


def test_trials_are_trainings_that_belong_to_their_sweep(jobs, sweeps):
    requires = Requirements(memory=2**30)
    id = submit(sweeps, requires=requires, submitted_by="alice", priority=3)
    claim = jobs.claim(OWNER, "w")
    assert (claim.kind, claim.recipe, claim.sweep, claim.is_trial) == ("sweep", RECIPE, None, False)
    assert add_trial(sweeps, claim, 0.25) == "go on"
    (trial,) = sweeps.get(id).trials
    job = jobs.get(trial.job)
    assert (job.kind, job.sweep, job.trial, job.params) == ("train", id, 0, {"learning_rate": 0.25})
    assert (job.recipe.learning_rate, job.submitted_by, job.priority) == (0.25, "alice", 3)
    assert (job.requires, job.final, job.pruned) == (requires, False, False)
    assert jobs.redis.hget(f"job:{job.id}", "class") == "v3.1g"
    assert job.progress.samples_total == RECIPE.epochs * RECIPE.trained_samples(MNIST)
    assert trial.state == "queued"


def test_a_repeated_submission_creates_no_second_trial(jobs, sweeps):
    id = submit(sweeps)
    claim = jobs.claim(OWNER, "w")
    state = sweeps.get(id)
    for _ in range(2):  # the reply to the first call was lost
        arguments = (RECIPE, MNIST, {"learning_rate": 0.1})
        assert sweeps.submit_trial(claim, state, *arguments) == "go on"
    assert len(sweeps.get(id).trials) == 1
    assert len(jobs.page()[0]) == 2


def test_a_parked_sweep_frees_its_worker_and_comes_back(jobs, sweeps):
    id = submit(sweeps)
    claim = jobs.claim(OWNER, "w")
    add_trial(sweeps, claim)
    assert park(sweeps, claim, importance="{}") == "parked"
    assert jobs.get(id).status == "running"
    assert jobs.beats() == []
    assert jobs.report(claim) == "lost"
    assert jobs.finish(claim, "succeeded") == "lost"
    assert park(sweeps, claim) == "lost"
    assert jobs.claim(OWNER, "w", [Death(id, claim.fence, "process")]).is_trial
    jobs.complete_lists()
    assert jobs.redis.get("jobs:indexed") is None
    assert statuses(jobs)[id] == "running"


def test_the_end_of_a_trial_wakes_its_sweep_at_its_old_place(jobs, sweeps):
    id = submit(sweeps)
    claim = jobs.claim(OWNER, "w")
    add_trial(sweeps, claim)
    park(sweeps, claim)
    later = submit(sweeps)
    trial = run_trial(jobs, losses=(0.1 + 1e-17, 0.3))
    assert jobs.redis.hget(f"job:{id}", "status") == "queued"
    assert Sweep.of(sweeps.get(id), whole=False).status == "running"
    again = jobs.claim(OWNER, "w")
    assert (again.job, int(again.fence) > int(claim.fence)) == (id, True)
    (ended,) = sweeps.get(id).trials
    assert (ended.job, ended.state, ended.values) == (trial, "complete", (0.1 + 1e-17, 0.3))
    assert (ended.value, sweeps.get(id).ended) == (0.3, "1")
    assert jobs.claim(OWNER, "w").job == later


def test_no_end_of_a_trial_is_missed(jobs, sweeps):
    id = submit(sweeps, parallel=2)
    claim = jobs.claim(OWNER, "w")
    add_trial(sweeps, claim)
    known = sweeps.get(id)
    run_trial(jobs)  # after the sweep was read, before it parks
    assert park(sweeps, claim, known) == "again"
    assert jobs.report(claim) == "go on"
    assert park(sweeps, claim) == "parked"


@pytest.mark.parametrize("fields", [{"pruned": "1"}, {}])
def test_pruned_is_another_state_than_cancelled(jobs, sweeps, fields):
    id = submit(sweeps)
    claim = jobs.claim(OWNER, "w")
    add_trial(sweeps, claim)
    job = run_trial(jobs, status="cancelled", **fields)
    (trial,) = sweeps.get(id).trials
    assert (trial.state, trial.value) == ("pruned" if fields else "cancelled", None)
    assert trial.values == (0.5,)
    assert (jobs.get(job).status, jobs.get(job).pruned) == ("cancelled", bool(fields))


def test_a_sweep_that_was_cancelled_at_the_last_moment_does_not_succeed(jobs, sweeps):
    id = submit(sweeps, trials=1, final=False)
    claim = jobs.claim(OWNER, "w")
    add_trial(sweeps, claim)
    run_trial(jobs)
    assert jobs.cancel(id).status == "running"
    assert jobs.finish(claim, "succeeded") == "finished"
    assert jobs.get(id).status == "cancelled"


@pytest.mark.parametrize("where", ["queued", "claimed", "parked"])
def test_a_cancelled_sweep_takes_its_trials_with_it(jobs, sweeps, where):
    id = submit(sweeps, parallel=2)
    claim = jobs.claim(OWNER, "w")
    add_trial(sweeps, claim)
    add_trial(sweeps, claim)
    running = jobs.claim(OWNER, "w")
    if where == "parked":
        park(sweeps, claim)
    if where == "queued":
        jobs.claim(OWNER, "x", [Death(id, claim.fence, "process")])
    jobs.cancel(id)
    if where == "claimed":
        assert jobs.report(claim) == "cancel"
        assert add_trial(sweeps, claim) == "cancel"
        assert park(sweeps, claim) == "cancel"
        jobs.finish(claim, "cancelled")
    states = [trial.state for trial in sweeps.get(id).trials]
    assert (jobs.get(id).status, states) == ("cancelled", ["running", "cancelled"])
    assert jobs.report(running) == "cancel"
    jobs.finish(running, "cancelled")
    assert [trial.state for trial in sweeps.get(id).trials] == ["cancelled"] * 2
    assert jobs.claim(OWNER, "w") is None
    assert read_events(jobs, id)[-1].final
    assert not jobs.redis.exists("jobs:parked")


def test_a_sweep_whose_workers_die_gives_up(jobs, sweeps):
    id = submit(sweeps)
    for _ in range(9):
        claim = jobs.claim(OWNER, "w")
        jobs.reap("x", {}, [Death(id, claim.fence, "process")])
    assert jobs.get(id).status == "failed"
    assert jobs.get(id).error.title == "The sweep failed"


def test_new_trials_are_progress(jobs, sweeps):
    id = submit(sweeps)
    for number in range(12):
        claim = jobs.claim(OWNER, "w")
        if number % 5 == 0:
            add_trial(sweeps, claim)
        jobs.reap("x", {}, [Death(id, claim.fence, "process")])
    assert jobs.get(id).status == "queued"


def test_events_tell_of_each_trial(jobs, sweeps):
    id = submit(sweeps)
    claim = jobs.claim(OWNER, "w")
    add_trial(sweeps, claim)
    run_trial(jobs, losses=(0.7, 0.5))
    jobs.finish(claim, "failed")
    events = read_events(jobs, id)
    kinds = [event.type for event in events]
    assert kinds == ["status", "status", "trial", "value", "value", "trial", "status"]
    values = [json.loads(event.data) for event in events if event.type == "value"]
    assert values == [
        {"number": 0, "epoch": 1, "value": 0.7},
        {"number": 0, "epoch": 2, "value": 0.5},
    ]
    trials = [json.loads(event.data) for event in events if event.type == "trial"]
    assert [(trial["number"], trial["state"], trial["value"]) for trial in trials] == [
        (0, "queued", None),
        (0, "complete", 0.5),
    ]
    assert read_events(jobs, id, events[2].id) == events[3:]


def test_a_sweep_keeps_what_it_needs_of_its_trials(jobs, sweeps, own_stack):
    objects = FolderStore(own_stack.settings().folders["archive"])
    archiving = JobStore(jobs.redis, objects)
    id = submit(sweeps)
    claim = jobs.claim(OWNER, "w")
    add_trial(sweeps, claim)
    trial = run_trial(jobs)
    with pytest.raises(ConflictError, match="a trial of a sweep that has not ended"):
        jobs.delete(trial)
    assert Archiver(archiving, objects, days=1e-9, most=0).clean_up() == 0
    before = sweeps.get(id).trials
    jobs.finish(claim, "cancelled")
    jobs.delete(trial)
    assert sweeps.get(id).trials == before
    assert Archiver(archiving, objects, days=1e-9, most=0).clean_up() == 1
    archived = Sweeps(archiving)
    assert archived.get(id).trials == before
    assert [sweep.id for sweep in archived.page(limit=1, after=None)[0]] == [id]
    archiving.delete(id)
    assert archived.page(limit=1, after=None) == ([], None)


def test_the_winner_is_trained_once(jobs, sweeps):
    id = submit(sweeps, Labels(title="Rates"), final=False)
    claim = jobs.claim(OWNER, "w")
    for loss in (0.5, 0.3, 0.3):
        add_trial(sweeps, claim, loss / 2)
        run_trial(jobs, losses=(loss,))
    with pytest.raises(ConflictError, match="has not ended"):
        sweeps.submit_winner(id, MNIST)
    jobs.finish(claim, "succeeded")
    job = sweeps.submit_winner(id, MNIST)
    assert (job.final, job.trial, job.sweep, job.title) == (True, None, id, "Rates")
    assert (job.recipe.learning_rate, job.recipe.validation) == (0.15, 0)
    assert job.progress.samples_total == RECIPE.epochs * 60000
    assert sweeps.submit_winner(id, MNIST).id == job.id
    state = sweeps.get(id)
    assert (state.winner.job, state.winner.state, len(state.trials)) == (job.id, "queued", 3)
    won = jobs.claim(OWNER, "w")
    assert (won.sweep, won.is_trial) == (id, False)
    jobs.decide(won, "m-0123456789ab", peak_memory=1, better_than_guessing=True)
    jobs.finish(won, "succeeded")
    sweep = Sweep.of(sweeps.get(id), whole=True)
    assert (sweep.model, sweep.best.number) == ("m-0123456789ab", 1)
    assert jobs.get(id).status == "succeeded"
    assert read_events(jobs, id)[-1].final
    jobs.delete(job.id)
    assert Sweep.of(sweeps.get(id), whole=True).model == "m-0123456789ab"


def test_a_winner_that_failed_can_be_trained_again(jobs, sweeps):
    id = submit(sweeps)
    claim = jobs.claim(OWNER, "w")
    with pytest.raises(ConflictError, match="no trial is complete"):
        sweeps.submit_winner(id, MNIST)
    add_trial(sweeps, claim)
    run_trial(jobs)
    jobs.finish(claim, "cancelled")
    first = sweeps.submit_winner(id, MNIST)
    jobs.cancel(first.id)
    second = sweeps.submit_winner(id, MNIST)
    assert second.id != first.id
    assert [trial.final for trial in sweeps.get(id).all] == [False, True, True]


def test_owners_see_only_their_sweeps(jobs, sweeps):
    ids = [submit(sweeps, submitted_by=owner) for owner in ("alice", "bob", "alice")]
    alice = Sweeps(OwnedJobs(jobs, "alice"))
    with pytest.raises(NotFoundError):
        alice.get(ids[1])
    first, cursor = alice.page(limit=1, after=None)
    rest, end = alice.page(limit=1, after=cursor)
    assert [sweep.id for sweep in first + rest] == [ids[2], ids[0]]
    assert end is None


def test_another_job_is_no_sweep(jobs, sweeps):
    id = jobs.submit(RECIPE, samples=60000, queue_limit=9).id
    with pytest.raises(NotFoundError):
        sweeps.get(id)


def test_the_winner_of_a_sweep_that_is_being_archived_is_not_lost(jobs, sweeps, own_stack):
    folder = own_stack.settings().folders["archive"]
    archiving = JobStore(jobs.redis, FolderStore(folder))
    id = submit(sweeps)
    claim = jobs.claim(OWNER, "w")
    add_trial(sweeps, claim)
    trial = run_trial(jobs)
    jobs.finish(claim, "cancelled")
    jobs.delete(trial)

    def submit_winner():
        sweeps.submit_winner(id, MNIST)

    def run_winner():
        jobs.finish(jobs.claim(OWNER, "w"), "failed")

    for change, state in ((submit_winner, "queued"), (run_winner, "failed")):

        class Slow(FolderStore):
            """The sweep changes while the archiver writes its file."""

            def put(self, key, data):
                super().put(key, data)
                change()  # noqa: B023

        assert Archiver(archiving, Slow(folder), days=1e-9, most=0).clean_up() == 0
        assert Sweeps(archiving).get(id).winner.state == state


def end_as_version_0_2_0_does(jobs, id, status):
    """Conclude a running job with the writes of version 0.2.0, which knows of no sweeps."""
    sequence = jobs.redis.hget(f"job:{id}", "sequence")
    jobs.redis.zrem("jobs:leases", id)
    jobs.redis.zrem("jobs:status:running", id)
    jobs.redis.zadd(f"jobs:status:{status}", {id: sequence})
    jobs.redis.hset(f"job:{id}", mapping={"status": status, "finished_at": "1.0"})


def test_a_sweep_wakes_if_version_0_2_0_has_ended_its_running_trial(jobs, sweeps):
    id = submit(sweeps)
    claim = jobs.claim(OWNER, "w")
    add_trial(sweeps, claim)
    park(sweeps, claim)
    trial = jobs.claim(OWNER, "w").job
    jobs.reap("x", {}, [])
    assert jobs.redis.smembers("jobs:parked") == {id}
    end_as_version_0_2_0_does(jobs, trial, "failed")
    jobs.reap("x", {}, [])
    assert jobs.claim(OWNER, "w").job == id
    assert [trial.state for trial in sweeps.get(id).trials] == ["failed"]


def test_a_sweep_wakes_if_version_0_2_0_has_deleted_its_last_trial(jobs, sweeps):
    id = submit(sweeps)
    claim = jobs.claim(OWNER, "w")
    add_trial(sweeps, claim)
    park(sweeps, claim)
    trial = jobs.claim(OWNER, "w").job
    end_as_version_0_2_0_does(jobs, trial, "failed")
    jobs.redis.delete(f"job:{trial}")
    jobs.reap("x", {}, [])
    assert jobs.claim(OWNER, "w").job == id
    assert [trial.state for trial in sweeps.get(id).trials] == ["cancelled"]


def test_a_parked_sweep_ends_if_version_0_2_0_has_cancelled_it(jobs, sweeps):
    id = submit(sweeps)
    claim = jobs.claim(OWNER, "w")
    add_trial(sweeps, claim)
    park(sweeps, claim)
    jobs.redis.hset(f"job:{id}", "cancel", 1)
    jobs.reap("x", {}, [])
    assert jobs.get(id).status == "cancelled"
    assert [trial.state for trial in sweeps.get(id).trials] == ["cancelled"]


def test_a_cancelled_trial_does_not_fail(jobs, sweeps):
    submit(sweeps)
    claim = jobs.claim(OWNER, "w")
    add_trial(sweeps, claim)
    trial = jobs.claim(OWNER, "w")
    jobs.cancel(trial.job)
    problem = {"type": "about:blank", "title": "", "status": 500, "detail": ""}
    assert jobs.finish(trial, "failed", problem) == "finished"
    assert (jobs.get(trial.job).status, jobs.get(trial.job).error) == ("cancelled", None)


def test_what_a_sweep_searches_is_read_alone(jobs, sweeps):
    id = submit(sweeps, pruner="asha")
    assert sweeps.search(id) == sweeps.get(id).search
    with pytest.raises(NotFoundError):
        sweeps.search(jobs.submit(RECIPE, samples=60000, queue_limit=9).id)


def test_a_parked_sweep_gives_back_only_its_own_turn(jobs, sweeps):
    submit(sweeps, submitted_by="alice")
    claim = jobs.claim(OWNER, "w")
    add_trial(sweeps, claim)
    jobs.claim(OWNER, "w")  # the trial is a later turn
    turn = jobs.redis.hget("jobs:served", "alice")
    park(sweeps, claim)
    assert jobs.redis.hget("jobs:served", "alice") == turn
