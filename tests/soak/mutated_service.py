"""An API with the deliberate fault that `SOAK_MUTANT` names."""

import os

from tests.soak.mutants import apply

apply(os.environ["SOAK_MUTANT"])

from service.asgi import app as app  # noqa: E402
