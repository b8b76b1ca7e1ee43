"""Cause random faults in containers: kill one, restart all, or take the stack down and up again.

`python -m tests.faults.container_storm --seconds 300` needs Docker and the free port 8000. It
builds and starts the compose stack under a separate project name, and removes it at the end.
"""

import argparse
import json
import os
import random
import subprocess
import sys
import time
from contextlib import suppress
from typing import Any

import requests

from tests.faults.storm import BACKLOG, RECIPES
from tests.processes import ROOT, wait_until

URL = f"http://127.0.0.1:{os.environ.get('STEPBOX_PORT', '8000')}"
PROJECT = "stepbox-storm"


def compose(*arguments: str) -> None:
    """Run docker compose on the separate project."""
    subprocess.run(
        ["docker", "compose", "--project-name", PROJECT, *arguments],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )


def ask(path: str, **options: Any) -> Any:
    """Send a request to the API; return None if it fails."""
    with suppress(requests.RequestException):
        answer = requests.request(options.pop("method", "get"), URL + path, timeout=5, **options)
        if answer.ok:
            return answer.json()
    return None


def train(fields: dict[str, Any]) -> str | None:
    """Submit a job and return its id; None if the API did not confirm it."""
    job = ask("/train", method="post", json=fields)
    return job["id"] if job else None


def over(id: str) -> dict[str, Any] | None:
    """Return a job if it has finished, else None."""
    job = ask(f"/jobs/{id}")
    return job if job and job["status"] in ("succeeded", "failed", "cancelled") else None


def weights_of(job: dict[str, Any]) -> str:
    """Return the checksum of a job's weights."""
    return str(ask(f"/models/{job['model']}")["weights"]["sha256"])


def fault(rng: random.Random) -> str:
    """Cause a random fault; return its name."""
    service = rng.choice(["worker", "service", "redis"])
    name = rng.choice(["kill", "kill", "kill", "restart", "down and up"])
    if name == "kill":
        compose("kill", service)
        time.sleep(rng.uniform(0, 3))
        compose("up", "--detach", "--wait")
        return f"kill {service}"
    if name == "restart":
        compose("restart")
    else:
        compose("down")
        time.sleep(rng.uniform(0, 3))
        compose("up", "--detach", "--wait")
    return name


def run_storm(seconds: float, seed: int) -> dict[str, Any]:
    """Submit jobs and cause faults; return the report."""
    rng = random.Random(seed)
    undisturbed = []
    for fields in RECIPES:
        id = train(fields)
        assert id, "the API did not accept a job before the storm"
        undisturbed.append(weights_of(wait_until(lambda id=id: over(id), seconds=120)))
    accepted: dict[str, int] = {}
    faults: dict[str, int] = {}
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        for _ in range(2):
            waiting = ask("/system")
            if waiting and (waiting["queue"]["length"] or 0) < BACKLOG:
                recipe = rng.randrange(len(RECIPES))
                if id := train(RECIPES[recipe]):
                    accepted[id] = recipe
        time.sleep(rng.uniform(1, 6))
        name = fault(rng)
        faults[name] = faults.get(name, 0) + 1
    jobs = {id: wait_until(lambda id=id: over(id), seconds=600) for id in accepted}
    succeeded = {id: job for id, job in jobs.items() if job["status"] == "succeeded"}
    trained = [card["job"] for card in ask("/models?limit=1000")["models"]]
    return {
        "accepted": len(accepted),
        "completed": len(succeeded),
        "completed_twice": sum(trained.count(id) != 1 for id in succeeded),
        "lost": len(accepted) - len(succeeded),
        "other_weights": sum(
            weights_of(job) != undisturbed[accepted[id]] for id, job in succeeded.items()
        ),
        "gaps": sum(
            [entry["epoch"] for entry in job["history"]] != list(range(len(job["history"])))
            or len(job["history"]) != job["recipe"]["epochs"] + 1
            for job in succeeded.values()
        ),
        "attempts_at_most": max((job["attempts"] for job in jobs.values()), default=0),
        "faults": faults,
    }


def main() -> int:
    """Run a storm and print its report; return 1 if a count that must be 0 is not."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=300)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    compose("up", "--build", "--detach", "--wait")
    try:
        report = run_storm(arguments.seconds, arguments.seed)
    finally:
        compose("down", "--volumes")
    print(json.dumps(report, indent=1))
    must_be_0 = ("completed_twice", "lost", "other_weights", "gaps")
    return int(any(report[name] for name in must_be_0))


if __name__ == "__main__":
    sys.exit(main())
