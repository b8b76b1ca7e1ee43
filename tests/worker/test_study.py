"""What Optuna decides is a function of the records and of a seed."""

import pytest

from stepbox.training.sweep import Search, Trial
from worker.study import choose, importance, is_pruned

SPACE = {
    "learning_rate": {"low": 0.001, "high": 0.5, "log": True},
    "batch_size": {"low": 1, "high": 64, "log": True},
    "epochs": {"low": 2, "high": 8, "step": 2},
    "hidden_sizes": {"count": {"low": 0, "high": 3}, "size": {"low": 16, "high": 128}},
    "activation": {"choices": ["relu", "tanh", "sigmoid"]},
}


def search(**options):
    return Search.model_validate({"space": SPACE, **options})


def trial(number, params, *values, state="complete"):
    return Trial(number=number, job=f"j{number}", params=params, state=state, values=values)


def run(search, number, seed=0):
    """Run a sweep whose best learning rate is 0.1 and whose best number of layers is 2."""
    trials = []
    for place in range(number):
        params = choose(search, trials, seed)
        value = abs(params["learning_rate"] - 0.1) + abs(params["hidden_sizes.count"] - 2)
        trials.append(trial(place, params, 2 * value, value))
    return trials


@pytest.mark.parametrize("sampler", ["tpe", "random"])
def test_the_same_records_and_seed_give_the_same_parameters(sampler):
    options = search(sampler=sampler)
    assert run(options, 15) == run(options, 15)
    assert run(options, 3) != run(options, 3, seed=1)
    assert len({str(one.params) for one in run(options, 15)}) == 15


def test_the_sampler_learns_from_the_trials():
    late = run(search(), 40)[-10:]
    by_chance = run(search(sampler="random"), 40)[-10:]
    assert sum(one.value for one in late) < sum(one.value for one in by_chance)


def test_values_have_the_types_of_their_fields():
    for one in run(search(), 12):
        assert isinstance(one.params["batch_size"], int)
        assert isinstance(one.params["learning_rate"], float)
        assert one.params["epochs"] % 2 == 0
        assert one.params["activation"] in SPACE["activation"]["choices"]
        assert len(one.params) == 5 + one.params["hidden_sizes.count"]


def test_trials_that_run_or_failed_are_taken_into_account():
    trials = run(search(), 12)
    some = [
        trials[0].model_copy(update={"state": "failed"}),
        *trials[1:11],
        trials[11].model_copy(update={"state": "running", "values": ()}),
    ]
    chosen = choose(search(parallel=2), some, 0)
    assert chosen == choose(search(parallel=2), some, 0)
    assert chosen != choose(search(parallel=2), trials, 0)


def test_asha_lets_the_best_quarter_go_on_at_each_rung():
    options = search(pruner="asha")
    params = run(search(), 1)[0].params
    # After epoch 1, seven others have 0.1 to 0.7: with the eighth, two of them go on.
    others = [trial(number, params, 0.1 * (number + 1)) for number in range(7)]
    for value, pruned in ((0.05, False), (0.15, False), (0.25, True)):
        own = trial(7, params, value, state="running")
        assert is_pruned(options, [*others, own], 7, 1) == pruned
    # Between two rungs, nothing is compared.
    own = trial(7, params, 0.15, 9.0, 9.0, state="running")
    assert not is_pruned(options, [*others, own], 7, 3)
    # At the second rung, only those that have reached it count.
    longer = trial(0, params, 0.1, 0.1, 0.1, 0.1)
    for value, pruned in ((0.05, False), (0.2, True)):
        own = trial(7, params, 0.15, 0.3, 0.3, value, state="running")
        assert is_pruned(options, [longer, *others[1:], own], 7, 4) == pruned


def test_a_decision_depends_only_on_the_epochs_before_it():
    options = search(pruner="asha")
    params = run(search(), 1)[0].params
    others = [trial(number, params, 0.1 * (number + 1)) for number in range(7)]
    later = trial(7, params, 0.25, 0.01, 0.01, 0.01, state="running")
    assert is_pruned(options, [*others, later], 7, 1)
    assert is_pruned(options, [*others, later.model_copy(update={"state": "pruned"})], 7, 1)


def test_the_median_needs_five_complete_trials():
    options = search(pruner="median")
    params = run(search(), 1)[0].params
    others = [trial(number, params, 0.1 * (number + 1), 0.01) for number in range(5)]
    own = trial(5, params, 0.9, state="running")
    assert is_pruned(options, [*others, own], 5, 1)
    early = [*others[:4], own.model_copy(update={"number": 4})]
    assert not is_pruned(options, early, 4, 1)
    good = trial(5, params, 0.15, state="running")
    assert not is_pruned(options, [*others, good], 5, 1)


def test_the_higher_accuracy_is_better():
    options = search(pruner="asha", metric="validation_accuracy")
    params = run(search(), 1)[0].params
    others = [trial(number, params, 0.1 * (number + 1)) for number in range(7)]
    for value, pruned in ((0.9, False), (0.05, True)):
        own = trial(7, params, value, state="running")
        assert is_pruned(options, [*others, own], 7, 1) == pruned


def test_the_importance_says_what_matters():
    found = importance(search(), run(search(sampler="random"), 60))
    assert sum(found.values()) == pytest.approx(1)
    matters = found["learning_rate"] + found["hidden_sizes.count"]
    assert matters > found["batch_size"] + found["activation"] + found["epochs"]
    assert found == importance(search(), run(search(sampler="random"), 60))


def test_a_few_trials_or_equal_ones_say_nothing():
    assert importance(search(), run(search(), 3)) is None
    params = run(search(), 1)[0].params
    assert importance(search(), [trial(n, params, 0.5) for n in range(9)]) is None
