"""Test the running service against its own OpenAPI document, with schemathesis.

schemathesis tests every operation in four phases: the examples of the document, the limits of each
schema, random values, and sequences of requests that follow the document's links (from a training
to its job to its model). `make fuzz` fails if there are fewer than 5,000 cases.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

import requests

from service.backend import Backend
from service.settings import ServiceSettings
from tests.datasets import add_dataset
from tests.processes import BIN, ROOT, Stack, stack_in
from tests.service.conftest import publish

CONFIG = Path(__file__).with_name("schemathesis.toml")
FEWEST = 5000  # minimum number of cases of a whole run
NOWHERE = "http://webhook.invalid/"  # a name that never has an address (RFC 2606)
PHASES = "examples,coverage,fuzzing,stateful"


class Outcome(NamedTuple):
    """The result of a run."""

    ok: bool
    report: dict[str, Any]  # the JSON report of schemathesis
    output: str

    @property
    def cases(self) -> int:
        """Number of requests whose responses were compared with the document."""
        return int(self.report["test_cases"]["generated"])


def prepare(stack: Stack) -> None:
    """Start the whole stack, publish a model and data sets, and run a job until it succeeds."""
    stack.start_redis()
    worker = stack.start_worker()
    stack.start_service()
    settings = ServiceSettings(**stack.settings().model_dump())
    backend = Backend(settings)
    kept, _ = publish(backend)
    for name, shape in (("grey", (8, 8)), ("colors", (8, 8, 3)), ("vectors", (4,))):
        add_dataset(backend.datasets, name, shape)
    requests.put(f"{stack.url}/aliases/kept", json={"model": kept}, timeout=10).raise_for_status()
    stack.wait_for(stack.train(epochs=1, hidden_sizes=[2], webhook=NOWHERE)["id"], "succeeded")
    os.setpriority(os.PRIO_PGRP, worker.pid, 19)  # or random trainings take all CPU time


def fuzz(stack: Stack, examples: int, seed: int, phases: str = PHASES) -> Outcome:
    """Run schemathesis with at most `examples` cases per operation and phase."""
    report = stack.folder / "fuzz.json"
    command = [
        *(str(BIN / "schemathesis"), "--config-file", str(CONFIG)),
        *("run", f"{stack.url}/openapi.json", "--no-color", "--checks", "all"),
        *("--max-examples", str(examples), "--seed", str(seed), "--phases", phases),
        *("--report", "json", "--report-json-path", str(report)),
    ]
    hooks = {"SCHEMATHESIS_HOOKS": "tests.contract.hooks", "PYTHONPATH": str(ROOT)}
    log = stack.folder / "fuzz.log"  # grows during the run
    with log.open("wb") as file:
        done = subprocess.run(
            command,
            stdout=file,
            stderr=subprocess.STDOUT,
            cwd=stack.folder,
            env={**os.environ, **hooks},
            check=False,
        )
    output = log.read_text()
    assert report.exists(), output[-5000:]
    found = json.loads(report.read_text())
    return Outcome(done.returncode == 0, found, output)


def main() -> int:
    """Start a stack, fuzz it, and print the result; return 1 if anything failed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--examples", type=int, default=150, help="maximum per operation and phase")
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    with (
        tempfile.TemporaryDirectory() as folder,
        stack_in(Path(folder) / "fuzz", STEPBOX_QUEUE_LIMIT="1000") as stack,
    ):
        prepare(stack)
        outcome = fuzz(stack, arguments.examples, arguments.seed)
    print(outcome.output)
    print(f"{outcome.cases:,} cases, {len(outcome.report['failures'])} kinds of failures")
    return int(not outcome.ok or outcome.cases < FEWEST)


if __name__ == "__main__":
    sys.exit(main())
