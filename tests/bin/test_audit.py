"""bin/audit without a network, and with findings of pip-audit."""

import os
import runpy
import subprocess
import sys

import pytest

from tests.processes import ROOT

SCRIPT = ROOT / "bin" / "audit"


@pytest.mark.parametrize(("options", "status"), [([], 1), (["--if-reachable"], 0)])
def test_an_unreachable_database_is_a_failure_without_if_reachable(options, status):
    nowhere = {"https_proxy": "http://127.0.0.1:9", "no_proxy": ""}
    done = subprocess.run(
        [sys.executable, SCRIPT, *options],
        env={**os.environ, **nowhere},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == status
    assert "NOT AUDITED" in done.stdout
    assert "pypi: " in done.stdout
    assert "osv: " in done.stdout


@pytest.mark.parametrize("answer", [None, []])
def test_a_database_without_any_vulnerability_is_not_used(answer):
    find_database = runpy.run_path(str(SCRIPT))["find_database"]
    databases = {"empty": lambda *_: answer}
    name, reasons = find_database(databases)
    assert name is None
    assert "lists no vulnerability" in reasons[0]
    databases["full"] = lambda *_: [{"id": "CVE-2014-1402"}]
    assert find_database(databases) == ("full", reasons)


def test_lock_files_with_findings_are_counted():
    """A shell script replaces pip-audit, and reports every lock file that contains torch."""
    locks = sorted((ROOT / "requirements").glob("*.txt"))
    at_fault = [lock for lock in locks if "\ntorch==" in lock.read_text()]
    program = ["sh", "-c", 'test "$0" = --requirement && ! grep -q ^torch== "$1"']
    audit = runpy.run_path(str(SCRIPT))["audit"]
    assert audit(program, locks) == len(at_fault) > 0
    assert audit(program, [lock for lock in locks if lock not in at_fault]) == 0
