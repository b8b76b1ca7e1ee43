"""The checker accepts a sweep that keeps every promise, and finds each broken one."""

from dataclasses import replace

import pytest

from tests.soak import sweeps
from tests.soak.checker import check
from tests.soak.history import Expected, ExpectedTrial, name_of
from tests.soak.sweeps import check_sweep
from tests.soak.test_checker import EXPECTED, good, state, view, without_one

FIELDS = {"space": {"epochs": {"choices": [1, 2]}}}
TRIALS = [
    {"number": 0, "params": {"epochs": 2}, "state": "complete", "values": [0.6, 0.5]},
    {"number": 1, "params": {"epochs": 1}, "state": "pruned", "values": [0.7]},
]
SWEEP = {
    **{"id": "s-1", "title": "a-2", "status": "succeeded", "model": "m-2", "total": 2},
    **{"jobs": ["t-0", "t-1"], "trials": TRIALS, "winner": "t-2"},
}
OF_SWEEP = {"sweep": "s-1", "title": None, "model": None}
TRAININGS = [
    view("succeeded", **{**OF_SWEEP, "id": "t-0", "trial": 0}),
    view("cancelled", **{**OF_SWEEP, "id": "t-1", "trial": 1, "pruned": True}),
    view("succeeded", **{**OF_SWEEP, "id": "t-2", "final": True, "model": "m-2", "title": "a-2"}),
]
POINTS = [[[0, None], [1, 0.5]], [[1000, 0.9]]]
WINNER = Expected("weights", "steps", *POINTS, [ExpectedTrial(seen, *POINTS) for seen in TRIALS])


def other(number, **changes):
    """Return the trials, one of which has changed."""
    return [{**trial, **(changes if trial["number"] == number else {})} for trial in TRIALS]


# What is wrong, the changes of the sweep, and further trainings that name it.
BAD = {
    "two jobs of a number": (
        "doubled: trial 1 of sweep s-1 has the jobs ['t-1', 't-9']",
        {},
        [{**TRAININGS[1], "id": "t-9"}],
    ),
    "a trial that does not exist": (
        "lost: trial 0 of sweep s-1 is shown as job t-9, but has the jobs ['t-0']",
        {"jobs": ["t-9", "t-1"]},
        [],
    ),
    "a trial that the sweep does not know": (
        "lost: trial 2 of sweep s-1 is shown as job None, but has the jobs ['t-9']",
        {},
        [{**TRAININGS[0], "id": "t-9", "trial": 2}],
    ),
    "too few trials": ("lost: sweep s-1 has 2 of 3 trials", {"total": 3}, []),
    "no winner": ("lost: sweep s-1 has not the model of its winner", {"model": None}, []),
    "a trial that goes on": (
        "illegal: trial 1 of sweep s-1 is running",
        {"trials": other(1, state="running")},
        [],
    ),
    "other parameters": (
        "differing: trial 1 of sweep s-1 is {'number': 1, 'params': {'epochs': 2}",
        {"trials": other(1, params={"epochs": 2})},
        [],
    ),
    "other values": (
        "differing: trial 0 of sweep s-1 is",
        {"trials": other(0, values=[0.6, 0.4])},
        [],
    ),
    "another end": (
        "differing: trial 1 of sweep s-1 is",
        {"trials": other(1, state="complete")},
        [],
    ),
    "other parameters of a cancelled trial": (
        "differing: trial 1 of sweep s-1 is",
        {
            "status": "cancelled",
            "trials": other(1, state="cancelled", values=[], params={"epochs": 3}),
        },
        [],
    ),
}


def found(check_sweep, changes=None, trainings=()):
    all_trainings = [*TRAININGS, *trainings]
    violations = check_sweep({**SWEEP, **(changes or {})}, all_trainings, WINNER)
    return [f"{one.kind}: {one.text}" for one in violations]


def test_a_sweep_that_keeps_every_promise_is_accepted():
    assert found(check_sweep) == []


def test_a_cancelled_sweep_may_end_anywhere():
    trials = other(1, state="cancelled", values=[])
    changes = {"status": "cancelled", "trials": trials, "total": 9, "model": None}
    assert found(check_sweep, changes) == []


def finds(check_sweep, name):
    text, changes, trainings = BAD[name]
    return any(one.startswith(text) for one in found(check_sweep, changes, trainings))


@pytest.mark.parametrize("name", BAD)
def test_a_broken_promise_is_found(name):
    assert finds(check_sweep, name)


def test_each_check_finds_something_that_no_other_finds():
    checks = [names["check_sweep"] for names in without_one(sweeps)]
    assert len(checks) == 6
    for number, less in enumerate(checks):
        assert not all(finds(less, name) for name in BAD), f"check {number} is not needed"


STREAMS = {
    "s-1": [
        ["1-0", "status", state("queued", 0)],
        ["2-0", "status", state("running")],
        ["3-0", "progress", 0],
        ["4-0", "status", state("running", 2)],  # it has waited for a trial
        ["5-0", "status", {**state("succeeded", 2), "model": None}],
    ],
    **{
        job["id"]: [
            ["1-0", "status", state("queued", 0)],
            ["2-0", "status", state("running")],
            ["3-0", "epoch", [0, None]],
            ["4-0", "loss", [1000, 0.9]],
            ["5-0", "epoch", [1, 0.5]],
            ["6-0", "status", {**state(job["status"]), "model": job["model"]}],
        ]
        for job in TRAININGS
    },
}


def history(streams=STREAMS, sweep=SWEEP):
    """Return a good history in which somebody has also submitted a sweep."""
    own = {"id": "s-1", "title": "a-2", "kind": "sweep", "model": None}
    end = view("succeeded", 2, 0, **own)
    calls = good()
    first = replace(
        calls[0],
        request={"key": "a-2", "fields": FIELDS},
        **{"invoked": -2.0, "answered": -1.0, "status": 202},
        answer=view("queued", 0, 0, **own),
    )
    for at, call in enumerate(calls):
        if call.operation == "jobs":
            calls[at] = replace(call, answer=[*call.answer, end, *TRAININGS])
        if call.operation == "models":
            models = [*call.answer["models"], ["m-2", "t-2"]]
            calls[at] = replace(call, answer={"models": models, "damaged": []})
    last = calls[-1]
    for api in ("one", "two"):

        def add(operation, request, answer, api=api):
            new = replace(last, api=api, operation=operation, request=request, answer=answer)
            calls.append(replace(new, invoked=last.invoked + len(calls), answered=1e6))

        add("sweep", {"id": "s-1"}, sweep)
        for id, stream in streams.items():
            add("events", {"id": id, "after": None}, stream)
        add("card", {"model": "m-2"}, {"job": "t-2", "weights": "weights", "steps": "steps"})
        add("predict", {"model": "m-2"}, [0.5, 0.5])
    return [first, *calls]


def violations(calls):
    found = check(calls, {**EXPECTED, name_of(FIELDS): WINNER})
    return {f"{one.kind}: {one.text}" for one in found}


def test_a_history_with_a_sweep_that_keeps_every_promise_is_accepted():
    assert violations(history()) == set()


def test_a_sweep_is_checked_in_a_history():
    assert violations(history(sweep={**SWEEP, "total": 3})) == {"lost: sweep s-1 has 2 of 3 trials"}


def test_a_sweep_that_nobody_has_read_is_found():
    unread = [call for call in history() if call.operation != "sweep"]
    assert violations(unread) == {
        f"lost: nobody has an answer about sweep s-1 from {api}" for api in ("one", "two")
    }


@pytest.mark.parametrize("id", ["t-0", "t-1", "t-2"])
def test_a_repeated_epoch_of_a_trial_is_found(id):
    stream = STREAMS[id]
    repeated = {**STREAMS, id: [*stream[:5], ["5-1", "epoch", [1, 0.5]], *stream[5:]]}
    text = f"illegal: the epoch events of job {id} are [0, 1, 1]"
    assert violations(history(repeated)) == {text}


def test_only_a_sweep_may_run_again_without_being_queued():
    one = STREAMS["t-0"]
    again = {**STREAMS, "t-0": [*one[:2], ["2-1", "status", state("running", 2)], *one[2:]]}
    text = "illegal: job t-0 went from ('running', 1, '') to ('running', 2, '')"
    assert text in violations(history(again))
