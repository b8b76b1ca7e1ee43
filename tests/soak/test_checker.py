"""The checker accepts a history that keeps every promise, and finds each broken one."""

import ast
import inspect
from dataclasses import replace

import pytest

from tests.soak import checker
from tests.soak.checker import check
from tests.soak.history import Call, Expected, name_of, read_history

FIELDS = {"epochs": 1, "seed": 1}
EXPECTED = {
    name_of(FIELDS): Expected("weights", "steps", [[0, None], [1, 0.5]], [[1000, 0.9], [2000, 0.6]])
}


def view(status, attempts=1, epochs=2, **others):
    model = "m-1" if status == "succeeded" else None
    job = {"id": "j-1", "title": "a-1", "status": status, "attempts": attempts, "epochs": epochs}
    own = {"kind": "train", "sweep": None, "trial": None, "final": False, "pruned": False}
    return {**job, **own, "total": 2, "model": model, "error": None, **others}


def state(status, attempts=1):
    return {"status": status, "attempts": attempts, "model": view(status)["model"]}


EVENTS = [
    ["1-0", "status", state("queued", 0)],
    ["2-0", "status", state("running")],
    ["3-0", "progress", 0],
    ["4-0", "epoch", [0, None]],
    ["5-0", "loss", [1000, 0.9]],
    ["6-0", "progress", 1500],
    ["7-0", "status", state("queued")],  # its host was lost
    ["8-0", "status", state("running", 2)],
    ["9-0", "progress", 0],
    ["10-0", "loss", [2000, 0.6]],
    ["11-0", "epoch", [1, 0.5]],
    ["12-0", "status", state("succeeded", 2)],
]
END = view("succeeded", 2)


def good():
    """One client submits a job and follows it, then somebody reads everything at both APIs."""
    submitted = {"key": "a-1", "fields": FIELDS}
    steps = [
        ("ada", "one", "submit", submitted, None, None),
        ("ada", "two", "submit", submitted, 202, view("queued", 0, 0)),
        ("ada", "two", "submit", submitted, 202, view("running", 1, 0)),
        ("ada", "one", "job", {"id": "j-1"}, 200, view("running", 1, 1)),
        ("ada", "two", "job", {"id": "j-1"}, 503, None),
        ("ada", "one", "events", {"id": "j-1", "after": None}, 200, EVENTS[:5]),
        ("ada", "two", "job", {"id": "j-1"}, 200, view("queued", 1, 1)),
        ("ada", "two", "events", {"id": "j-1", "after": "5-0"}, 200, EVENTS[5:9]),
        ("ada", "one", "job", {"id": "j-1"}, 200, END),
        ("ada", "one", "cancel", {"id": "j-1"}, 409, None),
    ]
    for api in ("one", "two"):
        listed = {"models": [["m-1", "j-1"]], "damaged": []}
        card = {"job": "j-1", "weights": "weights", "steps": "steps"}
        steps += [
            ("audit", api, "jobs", {}, 200, [END]),
            ("audit", api, "events", {"id": "j-1", "after": None}, 200, EVENTS),
            ("audit", api, "models", {}, 200, listed),
            ("audit", api, "card", {"model": "m-1"}, 200, card),
            ("audit", api, "predict", {"model": "m-1"}, 200, [0.25, 0.75]),
        ]
    return [
        Call(client, api, operation, request, 2.0 * at, 2.0 * at + 1, status, answer)
        for at, (client, api, operation, request, status, answer) in enumerate(steps)
    ]


def find(history, operation, number=0):
    return [at for at, call in enumerate(history) if call.operation == operation][number]


def changed(operation, number=0, **others):
    """Change a call of an operation."""

    def change(history):
        at = find(history, operation, number)
        history[at] = replace(history[at], **others)

    return change


def end(**others):
    """Change how the job is seen at the end."""

    def change(history):
        for at, call in enumerate(history):
            if call.operation == "jobs":
                history[at] = replace(call, answer=[{**END, **others}])
            if call.operation == "job" and call.answer == END:
                history[at] = replace(call, answer={**END, **others})

    return change


def events(change_events):
    """Change the events of the job, as everybody sees them."""

    def change(history):
        whole = change_events([list(event) for event in EVENTS])
        for at, call in enumerate(history):
            if call.operation == "events" and call.client == "audit":
                history[at] = replace(call, answer=whole)
            elif call.operation == "events":
                history[at] = replace(call, status=None, answer=None)

    return change


def insert(*new, at):
    return events(lambda whole: whole[:at] + list(new) + whole[at:])


def both(*changes):
    def change(history):
        for one in changes:
            one(history)

    return change


def cancelled_early(history):
    """Accept a cancel after the untrained network was evaluated."""
    at = find(history, "job")
    answer = view("running", 1, 1)
    new = replace(history[at], operation="cancel", status=202, answer=answer)
    history.insert(at + 1, replace(new, invoked=new.invoked + 1.5, answered=new.answered + 0.7))


def listed_nothing(history):
    """List no job after it was accepted, and all jobs later."""
    at = find(history, "job")
    call = replace(history[at], operation="jobs", request={}, api="two", answer=[])
    history.insert(at + 1, replace(call, invoked=call.invoked + 0.1))


def unread(operation):
    """Forget all calls of an operation."""

    def change(history):
        history[:] = [call for call in history if call.operation != operation]

    return change


TWO_JOBS = [END, {**END, "id": "j-2", "model": None, "status": "cancelled"}]
TWO_MODELS = {"models": [["m-1", "j-1"], ["m-2", "j-1"]], "damaged": []}
DAMAGED = {"models": [["m-1", "j-1"]], "damaged": ["m-2"]}
NO_MODELS = {"models": [], "damaged": []}
OTHER_MODEL = {"models": [["m-2", "j-1"]], "damaged": []}
OTHER_WEIGHTS = {"job": "j-1", "weights": "others", "steps": "steps"}
OTHER_JOB = {"job": "j-2", "weights": "weights", "steps": "steps"}

BAD = {
    "an empty history": ("lost: nobody has an answer about jobs", list.clear),
    "no list of the jobs": ("lost: nobody has an answer about jobs", unread("jobs")),
    "no list of the models": ("lost: nobody has an answer about models", unread("models")),
    "no events": ("lost: nobody has an answer about events j-1", unread("events")),
    "no card": ("lost: nobody has an answer about card m-1", unread("card")),
    "no prediction": ("lost: nobody has an answer about predict m-1", unread("predict")),
    "events that were cut off": (
        "lost: nobody has an answer about events j-1 from two",
        changed("events", 3, answer=EVENTS[:8]),
    ),
    "an unknown job after it was accepted": (
        "lost: job {'id': 'j-1'} at one: status 404",
        changed("job", status=404, answer=None),
    ),
    "an unknown model after it was named": (
        "lost: card {'model': 'm-1'} at one: status 404",
        changed("card", status=404, answer=None),
    ),
    "a crash": ("illegal: models {} at one: status 500", changed("models", status=500)),
    "a job that is not listed": (
        "lost: job j-1 is not listed at two",
        changed("jobs", 1, answer=[]),
    ),
    "a job that is not listed once": ("lost: job j-1 is not listed at two", listed_nothing),
    "a job that never ends": ("lost: job j-1 did not end", end(status="running", model=None)),
    "a job that fails": (
        "lost: job j-1 failed: {'detail': 'deaths'}",
        end(status="failed", model=None, error={"detail": "deaths"}),
    ),
    "another job for the same key": (
        "doubled: a-1 has the jobs ['j-1', 'j-2']",
        changed("submit", 2, answer={**END, "id": "j-2"}),
    ),
    "two jobs for the same key": (
        "doubled: a-1 has the jobs ['j-1', 'j-2']",
        changed("jobs", 1, answer=TWO_JOBS),
    ),
    "a job that nobody submitted": (
        "doubled: nobody has submitted x",
        changed("jobs", answer=[{**END, "title": "x"}]),
    ),
    "an answer about another key": (
        "illegal: the answer to a-1 is another's job",
        changed("submit", 1, answer={**view("queued", 0, 0), "title": "b-1"}),
    ),
    "success without a model": ("illegal: job j-1 is succeeded, model None", end(model=None)),
    "a model before success": (
        "illegal: job j-1 is running, model m-1",
        changed("job", answer=view("running", model="m-1")),
    ),
    "a run that nobody has claimed": (
        "illegal: job j-1 runs, but nobody has claimed it",
        changed("job", answer=view("running", 0, 0)),
    ),
    "two ends": (
        "doubled: job j-1 has the ends",
        changed("jobs", 1, answer=[view("cancelled", 2)]),
    ),
    "another model later": (
        "doubled: job j-1 has the ends",
        changed("jobs", 1, answer=[{**END, "model": "m-2"}]),
    ),
    "a state of the past": (
        "illegal: ada saw job j-1 at two in the past",
        changed("job", 2, answer=view("queued", 0, 0)),
    ),
    "fewer epochs than before": (
        "illegal: ada saw job j-1 at two in the past: (1, 1) with 0 epochs, after (1, 0) with 1",
        changed("job", 2, answer=view("queued", 1, 0)),
    ),
    "a state before the events that were read": (
        "illegal: ada saw job j-1 at one in the past",
        changed("job", 3, answer=view("running", 1, 1)),
    ),
    "a success after a cancel": (
        "illegal: job j-1 succeeded, although its cancel was accepted after 1 of 2 epochs",
        cancelled_early,
    ),
    "a claim after a cancel": (
        "illegal: job j-1 was claimed after its cancel",
        both(cancelled_early, end(status="cancelled", model=None)),
    ),
    "a missing epoch": (
        "illegal: the epoch events of job j-1 are [0]",
        events(lambda whole: whole[:10] + whole[11:]),
    ),
    "a repeated epoch": (
        "illegal: the epoch events of job j-1 are [0, 1, 1]",
        insert(["11-1", "epoch", [1, 0.5]], at=11),
    ),
    "a repeated loss": (
        "illegal: the loss events of job j-1 are [1000, 1000, 2000]",
        insert(["9-1", "loss", [1000, 0.9]], at=9),
    ),
    "another loss": (
        "differing: job j-1 has other values of loss",
        events(lambda whole: [*whole[:9], ["10-0", "loss", [2000, 0.7]], *whole[10:]]),
    ),
    "an event after the end": (
        "illegal: the events of job j-1 do not stop at its end",
        insert(["13-0", "progress", 2000], at=12),
    ),
    "two successes": (
        "doubled: job j-1 is succeeded after it was succeeded",
        insert(["13-0", "status", state("succeeded", 2)], at=12),
    ),
    "a run after the end": (
        "illegal: job j-1 is running after it was succeeded",
        insert(["13-0", "status", state("running", 3)], at=12),
    ),
    "a start without a claim": (
        "illegal: job j-1 begins as ('running', 1, '')",
        events(lambda whole: whole[1:]),
    ),
    "success without a run": (
        "illegal: job j-1 went from ('queued', 1, '') to ('succeeded', 1, 'm-1')",
        insert(["7-1", "status", state("succeeded")], at=7),
    ),
    "two claims at once": (
        "illegal: job j-1 was claimed 2 times at once",
        events(lambda whole: [*whole[:7], ["8-0", "status", state("running", 3)], *whole[8:]]),
    ),
    "two workers at once": (
        "illegal: job j-1 fell back from 1500 to 500 samples",
        insert(["6-1", "progress", 500], at=6),
    ),
    "a gap for one client": (
        "illegal: ada missed an event of job j-1 after 5-0",
        changed("events", 1, answer=EVENTS[6:9]),
    ),
    "a doubled event for one client": (
        "illegal: ada missed an event of job j-1 after 5-0",
        changed("events", 1, answer=EVENTS[4:9]),
    ),
    "an event that vanished": (
        "illegal: ada missed an event of job j-1 after 99",
        changed("events", 1, request={"id": "j-1", "after": "99"}),
    ),
    "other weights": (
        "differing: model m-1 has other weights or steps",
        changed("card", answer=OTHER_WEIGHTS),
    ),
    "a card of another job": (
        "illegal: the card of model m-1 is that of another job",
        changed("card", answer=OTHER_JOB),
    ),
    "other logits": (
        "differing: model m-1 predicts differently",
        changed("predict", 1, answer=[0.5, 0.5]),
    ),
    "two models of a job": (
        "doubled: job j-1 has the models ['m-1', 'm-2']",
        changed("models", answer=TWO_MODELS),
    ),
    "a model that is listed twice": (
        "doubled: model m-1 is listed twice at one",
        changed("models", answer={"models": [["m-1", "j-1"]] * 2, "damaged": []}),
    ),
    "another model than the job names": (
        "illegal: job j-1 has the model {'m-2'}, not m-1",
        both(*(changed("models", at, answer=OTHER_MODEL) for at in range(2))),
    ),
    "a model of an unknown job": (
        "illegal: job j-2 is unknown, but has a model",
        changed("models", answer={"models": [["m-1", "j-1"], ["m-2", "j-2"]], "damaged": []}),
    ),
    "a damaged model": ("illegal: model m-2 was damaged at one", changed("models", answer=DAMAGED)),
    "a model of a cancelled job": (
        "illegal: job j-1 is cancelled, but has a model",
        both(
            end(status="cancelled", model=None),
            events(lambda whole: [*whole[:-1], ["12-0", "status", state("cancelled", 2)]]),
        ),
    ),
    "a list of models that stays old": (
        "lost: model m-1 is not listed at two",
        changed("models", 1, answer=NO_MODELS),
    ),
}


def test_a_history_that_keeps_every_promise_is_accepted():
    assert check(good(), EXPECTED) == []


def finds(check, name):
    """Tell whether a checker finds what is wrong."""
    text, change = BAD[name]
    history = good()
    change(history)
    return any(text in f"{found.kind}: {found.text}" for found in check(history, EXPECTED))


@pytest.mark.parametrize("name", BAD)
def test_a_broken_promise_is_found(name):
    assert finds(check, name)


class Silence(ast.NodeTransformer):
    """Removes one of the statements that yield a violation."""

    def __init__(self, number):
        self.number, self.seen = number, 0

    def visit_Expr(self, node):
        match node.value:
            case ast.Yield(value=ast.Call(func=ast.Name("Violation"))):
                pass
            case ast.Call(args=[ast.Call(func=ast.Name("Violation"))]):
                pass
            case _:
                return node
        self.seen += 1
        nothing = ast.parse("yield from ()").body[0]
        return nothing if self.seen - 1 == self.number else node


def without_one(module):
    """Yield the names of a module without its first check, without its second one, and so on."""
    number = 0
    while True:
        silence = Silence(number)
        tree = ast.fix_missing_locations(silence.visit(ast.parse(inspect.getsource(module))))
        if number >= silence.seen:
            return
        names = {}
        exec(compile(tree, module.__file__, "exec"), names)
        yield names
        number += 1


def test_each_check_of_the_checker_finds_something_that_no_other_finds():
    checks = [names["check"] for names in without_one(checker)]
    assert len(checks) > 25
    for number, less in enumerate(checks):
        assert not all(finds(less, name) for name in BAD), f"check {number} is not needed"


def test_an_answer_may_be_older_than_one_that_came_during_the_call():
    history = good()
    at = find(history, "job", 3)
    slow = replace(history[at], client="ben", answer=view("queued", 1, 1))
    history.append(replace(slow, invoked=slow.invoked - 1.5, answered=slow.answered + 9))
    assert check(history, EXPECTED) == []


def test_a_history_can_be_recorded_and_read(tmp_path):
    path = tmp_path / "history.jsonl"
    path.write_text("".join(call.to_line() for call in good()))
    assert read_history(path) == good()
    assert check(read_history(path), EXPECTED) == []
