"""bin/entrypoint sets the user and the capabilities of a container's process."""

import os
import subprocess
import tempfile
from pathlib import Path

import pytest

from tests.processes import ROOT

pytestmark = pytest.mark.container


def run(models, *command):
    return subprocess.run(
        [ROOT / "bin" / "entrypoint", *command],
        env=os.environ | {"STEPBOX_MODELS_DIR": models},
        capture_output=True,
        text=True,
    )


def test_runs_as_the_owner_of_the_models_without_any_capability():
    owner = os.getuid() or 1000  # only root can give the folder to another user
    with tempfile.TemporaryDirectory() as models:
        os.chown(models, owner, -1)
        outcome = run(models, "sh", "-c", f"touch {models}/made; cat /proc/self/status")
        made = Path(models, "made").stat()
    status = dict(line.split(":\t", 1) for line in outcome.stdout.splitlines() if ":\t" in line)
    assert status["Uid"].split() == [str(owner)] * 4
    rights = {name: int(status[name], 16) for name in ("CapInh", "CapPrm", "CapEff", "CapAmb")}
    assert not any(rights.values()), rights
    assert made.st_uid == owner


def test_passes_arguments_and_exit_status_through(tmp_path):
    outcome = run(tmp_path, "sh", "-c", 'printf "%s|" "$@"; exit 3', "-", "a b", "--", "c")
    assert (outcome.stdout, outcome.returncode) == ("a b|--|c|", 3)
