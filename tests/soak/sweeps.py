"""Compare a sweep that has ended with its trials, and with the same sweep without faults."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from tests.soak.history import Expected
from tests.soak.seen import Violation

DONE = ("complete", "pruned")


def check_sweep(
    sweep: Mapping[str, Any], trainings: Iterable[Mapping[str, Any]], expected: Expected | None
) -> Iterator[Violation]:
    """Each number has one job, which has ended, and all are what they should be.

    Parameters
    ----------
    sweep
        The `view_of_sweep` of a sweep that has ended.
    trainings
        The last `view` of each job whose record names the sweep.
    expected
        Its result without faults; None if it depends on more than the request.
    """
    name, succeeded = f"sweep {sweep['id']}", sweep["status"] == "succeeded"
    made: dict[str, dict[str, Any]] = defaultdict(dict)
    for job in trainings:
        what = "the winner" if job["final"] else f"trial {job['trial']}"
        made[what][job["id"]] = job["model"]
    shown = {f"trial {number}": job for number, job in enumerate(sweep["jobs"])}
    if sweep["winner"]:
        shown["the winner"] = sweep["winner"]
    for what in sorted(made.keys() | shown.keys()):
        jobs = sorted(made[what])
        if len(jobs) > 1:
            yield Violation("doubled", f"{what} of {name} has the jobs {jobs}")
        elif jobs != [shown.get(what)]:
            text = f"{what} of {name} is shown as job {shown.get(what)}, but has the jobs {jobs}"
            yield Violation("lost", text)
    if succeeded and len(sweep["trials"]) != sweep["total"]:
        text = f"{name} has {len(sweep['trials'])} of {sweep['total']} trials"
        yield Violation("lost", text)
    if succeeded and {sweep["model"]} != {*made["the winner"].values()}:
        yield Violation("lost", f"{name} has not the model of its winner")
    for trial in sweep["trials"]:
        if trial["state"] not in (DONE if succeeded else (*DONE, "cancelled")):
            yield Violation("illegal", f"trial {trial['number']} of {name} is {trial['state']}")
    wanted = expected.trials if expected else ()
    for trial, undisturbed in zip(sweep["trials"], wanted, strict=False):
        same = trial if trial["state"] in DONE else {**undisturbed.seen, "params": trial["params"]}
        if same != undisturbed.seen:
            text = f"trial {trial['number']} of {name} is {trial}, not {undisturbed.seen}"
            yield Violation("differing", text)
