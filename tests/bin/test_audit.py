"""bin/audit, without a network, and with what pip-audit may find."""

import os
import runpy
import subprocess
import sys

from tests.processes import ROOT

SCRIPT = ROOT / "bin" / "audit"


def test_says_that_no_database_can_be_reached():
    nowhere = {"https_proxy": "http://127.0.0.1:9", "no_proxy": ""}
    done = subprocess.run(
        [sys.executable, SCRIPT],
        env={**os.environ, **nowhere},
        capture_output=True,
        text=True,
        check=True,
    )
    assert "NOT AUDITED" in done.stdout
    assert "pypi: " in done.stdout
    assert "osv: " in done.stdout


def test_what_is_found_fails():
    """With a program in the place of pip-audit, which finds fault with torch."""
    locks = sorted((ROOT / "requirements").glob("*.txt"))
    at_fault = [lock for lock in locks if "\ntorch==" in lock.read_text()]
    program = ["sh", "-c", 'test "$0" = --requirement && ! grep -q ^torch== "$1"']
    audit = runpy.run_path(str(SCRIPT))["audit"]
    assert audit(program, locks) == len(at_fault) > 0
    assert audit(program, [lock for lock in locks if lock not in at_fault]) == 0
