"""A worker with the deliberate fault that `SOAK_MUTANT` names."""

import os

from tests.soak.mutants import apply

apply(os.environ["SOAK_MUTANT"])

from worker.app import app as app  # noqa: E402
