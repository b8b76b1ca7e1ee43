"""The running service against its own OpenAPI document."""

import re
import subprocess

from tests.processes import BIN


def test_answers_are_as_documented(workerless_stack):
    """No 5xx, and no status, content type or body that the document does not have.

    Left out are /readyz, which rightly tells by a 503 that there is no worker, and the check that
    all bodies of the documented form are accepted: an alias must name a model that exists, an
    idempotency key must come with the same body again, and a body may be too large.
    """
    command = f"""
        {BIN}/schemathesis run {workerless_stack.url}/openapi.json --no-color --seed 1
        --checks all --exclude-checks positive_data_acceptance --exclude-path /readyz
        --max-examples 5 --continue-on-failure --request-timeout 3"""
    done = subprocess.run(
        command.split(), capture_output=True, text=True, cwd=workerless_stack.folder
    )
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-2000:]
    assert re.search(r"[1-9]\d{2,} passed", done.stdout), done.stdout[-2000:]
