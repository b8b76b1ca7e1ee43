"""Measure how long Redis takes to submit and to claim jobs while many wait.

    python -m benchmarks.claims [--jobs 10000] [--owners 1000]

This starts a Redis, queues the jobs, and prints the time of the scripts inside Redis, which is how
long they block it. Two installations are compared:

1. Version 0.2.0, whose queue is a single sorted set in the order of creation. Its scripts are in
   `tests/compatibility/lua_before/`.
2. This version, whose owners take turns: with one owner, and with many owners of random priorities.
"""

import argparse
import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.jobs import AT_ONCE, PROGRESS, run_redis
from jobs.store import JobStore
from stepbox.training.presets import RECIPES

BEFORE = Path(__file__).parent.parent / "tests/compatibility/lua_before"
CLAIMS = 500
OWNER = json.dumps({"pid": 1})

Run = Callable[..., Any]


def earlier_scripts(jobs: JobStore) -> Run:
    """Return a function that runs a script of version 0.2.0."""
    common = (BEFORE / "common.lua").read_text()
    scripts = {
        name: jobs.redis.register_script(common + (BEFORE / f"{name}.lua").read_text())
        for name in ("submit", "claim")
    }

    def run(name: str, *arguments: str | int, pipeline: Any = None) -> Any:
        return scripts[name](args=list(arguments), client=pipeline)

    return run


def script_us(jobs: JobStore, work: Callable[[], object]) -> float:
    """Return the mean time of the scripts that ``work`` runs, in microseconds."""

    def stats() -> tuple[int, int]:
        found: Any = jobs.redis.info("commandstats")
        scripts = found.get("cmdstat_evalsha", {"usec": 0, "calls": 0})
        return scripts["usec"], scripts["calls"]

    before = stats()
    work()
    after = stats()
    return (after[0] - before[0]) / (after[1] - before[1])


def measure(total: int, owners: int, *, earlier: bool) -> tuple[float, float]:
    """Return the mean times to submit a job and to claim one, in microseconds."""
    rng = random.Random(0)
    kind = ["kind", "train", "recipe", RECIPES["mnist-numpy"].model_dump_json()]
    # Version 0.2.0 has no limit for each owner, and is told how long to keep the key.
    limits = [10**9, "", "", 60] if earlier else [10**9, 0, "", ""]
    place = [] if earlier else [1]
    with run_redis() as jobs:
        run: Run = earlier_scripts(jobs) if earlier else jobs._run

        def submit(numbers: range) -> None:
            with jobs.redis.pipeline(transaction=False) as pipeline:
                for number in numbers:
                    fields = list(kind)
                    if owners > 1:
                        fields += ["submitted_by", f"owner-{rng.randrange(owners)}"]
                        fields += ["priority", str(rng.randrange(-100, 101))]
                    arguments = [f"{number:016x}", json.dumps(PROGRESS), *limits, "", 0]
                    run("submit", *arguments, *fields, pipeline=pipeline)
                pipeline.execute()

        for start in range(0, total - AT_ONCE, AT_ONCE):
            submit(range(start, start + AT_ONCE))
        submitting = script_us(jobs, lambda: submit(range(total - AT_ONCE, total)))

        def claim() -> None:
            for number in range(CLAIMS):
                assert run("claim", OWNER, "w", str(number), *place)
                if number % 10 == 9:  # as many jobs run as ten workers can
                    jobs.redis.delete("jobs:leases")

        return submitting, script_us(jobs, claim)


def main() -> None:
    """Print the times and their ratios."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--jobs", type=int, default=10_000)
    parser.add_argument("--owners", type=int, default=1_000)
    chosen = parser.parse_args()
    rows = {
        "version 0.2.0": measure(chosen.jobs, 1, earlier=True),
        "one owner": measure(chosen.jobs, 1, earlier=False),
        f"{chosen.owners:,} owners": measure(chosen.jobs, chosen.owners, earlier=False),
    }
    before = rows["version 0.2.0"]
    title = f"{chosen.jobs:,} queued jobs, µs"
    print(f"{title:24}{'submit':>10}{'ratio':>8}{'claim':>10}{'ratio':>8}")
    for name, (submitting, claiming) in rows.items():
        print(
            f"  {name:22}{submitting:10.0f}{submitting / before[0]:8.2f}"
            f"{claiming:10.0f}{claiming / before[1]:8.2f}"
        )


if __name__ == "__main__":
    main()
