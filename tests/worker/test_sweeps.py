"""Real workers run whole sweeps, from the request to the model of the winner."""

from hashlib import sha256

import pytest

from jobs.sweep import Sweep
from jobs.sweeps import Sweeps
from stepbox.data.plane import GeneratedData
from stepbox.training.labels import Labels
from stepbox.training.presets import RECIPES
from stepbox.training.requirements import NO_REQUIREMENTS
from stepbox.training.sweep import Search
from tests.processes import wait_until
from worker.stores import Stores

HOLDING = "tests.worker.holding_sweeps"
RATES = {"low": 0.01, "high": 0.5, "log": True}
SIZES = {"count": {"low": 1, "high": 3}, "size": {"low": 2, "high": 8, "log": True}}
DIVERGES = {"hidden_sizes": (64, 64, 64), "activation": "relu"}  # with large learning rates
ACTIVATIONS = {"choices": ["tanh", "sigmoid"]}


@pytest.fixture
def stores(own_stack, jobs, monkeypatch):
    monkeypatch.setitem(own_stack.environment, "HOLD_DIR", str(own_stack.folder))
    return Stores.of(own_stack.settings())


@pytest.fixture
def sweeps(stores):
    return Sweeps(stores.jobs)


def submit(stores, epochs=2, fields=(), **options):
    """Submit a sweep on points of the plane; return its id."""
    spec = stores.datasets.add(GeneratedData(generate="spiral", noise=0.05).splits(), None)
    fields = {"validation": 0.2, "epochs": epochs, "hidden_sizes": (4,), **dict(fields)}
    recipe = RECIPES["playground"].changed(dataset=spec.id, **fields)
    search = Search.model_validate(
        {"space": {"learning_rate": RATES}, "trials": 4, "final": False, **options}
    )
    search.check(recipe, spec)
    job = Sweeps(stores.jobs).submit(
        recipe, search, requires=NO_REQUIREMENTS, labels=Labels(), queue_limit=9
    )
    return job.id


def wait_for(sweeps, id, status="succeeded"):
    """Wait until a sweep and all its trials have ended; return the sweep."""

    def ended():
        state = sweeps.get(id)
        done = state.record.get("finished_at") and all(trial.ended for trial in state.all)
        return done and Sweep.of(state, whole=True)

    sweep = wait_until(ended, what=f"the end of sweep {id}")
    assert sweep.status == status, sweep.error
    return sweep


def outcome(stack, sweep):
    """Return everything of a sweep that must be the same if it is repeated."""
    trials = [(trial.params, trial.state, trial.values) for trial in sweep.trials]
    weights = (stack.models_dir / sweep.model / "weights.safetensors").read_bytes()
    return trials, sweep.importance, sha256(weights).hexdigest()


@pytest.mark.parametrize("sampler", ["tpe", "random"])
def test_a_sampler_chooses_the_trials(own_stack, stores, sweeps, sampler):
    own_stack.start_worker()
    space = {"learning_rate": RATES, "hidden_sizes": SIZES, "activation": ACTIVATIONS}
    sweep = wait_for(sweeps, submit(stores, sampler=sampler, space=space, trials=6))
    assert [trial.state for trial in sweep.trials] == ["complete"] * 6
    assert sweep.best.value == min(trial.value for trial in sweep.trials)
    assert (sweep.model, sweep.winner) == (None, None)
    assert sum(sweep.importance.values()) == pytest.approx(1)
    for trial in sweep.trials:
        job = stores.jobs.get(trial.job)
        sizes = job.recipe.hidden_sizes
        assert trial.params["hidden_sizes.count"] == len(sizes)
        own = {f"hidden_sizes.{layer}": size for layer, size in enumerate(sizes)}
        assert own.items() <= trial.params.items()
        assert len(trial.params) == 3 + len(sizes)
        assert job.recipe.activation == trial.params["activation"]
        assert (job.status, job.model, job.attempts) == ("succeeded", None, 1)
        assert [entry.test_loss for entry in job.history] == [None] * 3
        assert trial.values == tuple(entry.validation_loss for entry in job.history[1:])
    assert stores.models.ids() == []
    assert stores.jobs.get(sweep.id).worker.startswith("worker@")


def test_a_grid_has_every_combination_once(own_stack, stores, sweeps):
    own_stack.start_worker()
    space = {
        "learning_rate": {"low": 0.1, "high": 0.3, "step": 0.1},
        "activation": ACTIVATIONS,
    }
    id = submit(stores, sampler="grid", space=space, trials=100, parallel=3)
    sweep = wait_for(sweeps, id)
    assert [
        (trial.params["learning_rate"], trial.params["activation"]) for trial in sweep.trials
    ] == [(rate, activation) for rate in (0.1, 0.2, 0.3) for activation in ("tanh", "sigmoid")]
    assert (sweep.progress.trials_ended, sweep.progress.trials) == (6, 6)


def test_the_winner_is_trained_on_all_samples(own_stack, stores, sweeps):
    own_stack.start_worker()
    sweep = wait_for(sweeps, submit(stores, final=True, metric="validation_accuracy"))
    assert sweep.best.value == max(trial.value for trial in sweep.trials)
    card = stores.models.card(sweep.model)
    assert card.job == sweep.winner.job
    assert card.recipe == sweep.search.winner_recipe(sweep.recipe, sweep.best.params, 2)
    assert card.recipe.validation == 0
    assert stores.jobs.get(sweep.winner.job).final


@pytest.mark.parametrize("pruner", ["asha", "median"])
def test_a_pruned_trial_ends_early(own_stack, stores, sweeps, pruner):
    own_stack.start_worker()
    # Rates that get smaller and smaller, so that later trials are worse.
    rates = [0.3, 0.2, 0.1, 0.05, 0.02, 0.01, 1e-4, 1e-5]
    space = {"learning_rate": {"choices": rates}}
    id = submit(stores, epochs=6, sampler="grid", space=space, trials=8, pruner=pruner)
    sweep = wait_for(sweeps, id)
    states = [trial.state for trial in sweep.trials]
    assert (states[0], states[-1]) == ("complete", "pruned")
    for trial in sweep.trials:
        job = stores.jobs.get(trial.job)
        pruned = trial.state == "pruned"
        assert (job.status, job.pruned) == ("cancelled" if pruned else "succeeded", pruned)
        assert len(trial.values) == (1 if pruned else 6)


def test_a_sweep_goes_on_without_the_trials_that_fail(own_stack, stores, sweeps):
    own_stack.start_worker()
    space = {"learning_rate": {"choices": [10.0, 0.1]}}
    id = submit(stores, fields=DIVERGES, sampler="grid", space=space, final=True)
    sweep = wait_for(sweeps, id)
    assert [trial.state for trial in sweep.trials] == ["failed", "complete"]
    assert stores.models.card(sweep.model).recipe.learning_rate == 0.1


def test_a_sweep_without_a_complete_trial_fails(own_stack, stores, sweeps):
    own_stack.start_worker()
    space = {"learning_rate": {"choices": [9.0, 10.0]}}
    sweep = wait_for(sweeps, submit(stores, fields=DIVERGES, sampler="grid", space=space), "failed")
    assert sweep.error.title == "The sweep failed"
    why = f"no trial is complete: 2 failed; job {sweep.trials[0].job}: the training diverged"
    assert why in sweep.error.detail


def test_a_cancelled_sweep_stops_its_trials(own_stack, stores, sweeps):
    for name in ("one", "two"):
        own_stack.start_worker(name)
    wait_until(lambda: len(stores.jobs.workers()) == 2, what="both workers")
    long = {"hidden_sizes": (256, 256)}  # half a minute
    id = submit(stores, epochs=1000, fields=long, trials=9, parallel=3)

    def running():
        return [trial.state for trial in sweeps.get(id).trials].count("running") == 2

    wait_until(running, what="two trials to run")
    stores.jobs.cancel(id)
    sweep = wait_for(sweeps, id, "cancelled")
    assert [trial.state for trial in sweep.trials] == ["cancelled"] * 3


@pytest.mark.parametrize(
    ("pruner", "points"),
    [
        ("none", ("chosen-1", "park-2", "parked-3", "staged")),
        ("asha", ("epoch-1", "epoch-2")),
    ],
)
def test_kills_change_nothing(own_stack, stores, sweeps, pruner, points):
    """The same sweep, undisturbed and with a worker that is killed at many points."""
    space = {"learning_rate": RATES, "hidden_sizes": SIZES, "activation": ACTIVATIONS}
    options = {"space": space, "final": True, "epochs": 3, "pruner": pruner, "trials": 4}
    worker = own_stack.start_worker()
    undisturbed = wait_for(sweeps, submit(stores, **options))
    worker.kill_group()
    for point in points:
        (own_stack.folder / point).touch()
    id = submit(stores, **options)
    for _ in points:
        worker = own_stack.start_worker(application=HOLDING)
        (reached,) = wait_until(lambda: [*own_stack.folder.glob("*.reached")], what="a point")
        reached.unlink()
        reached.with_suffix("").unlink()
        worker.kill_group()
    own_stack.start_worker()
    sweep = wait_for(sweeps, id)
    assert outcome(own_stack, sweep) == outcome(own_stack, undisturbed)
    assert len(stores.jobs.page(limit=100)[0]) == 2 * (len(sweep.trials) + 2)
