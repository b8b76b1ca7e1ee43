"""The deliberate faults still fit the code; `python -m tests.soak --mutants` finds each of them."""

import subprocess
import sys

import pytest

from jobs.reader import SCRIPTS
from tests.processes import ROOT
from tests.soak.faults import NETWORK, PROCESSES, draw
from tests.soak.mutants import MUTANTS, changed


@pytest.mark.parametrize("name", MUTANTS)
def test_a_mutant_changes_the_scripts_that_it_names(name):
    for script, changes in MUTANTS[name].scripts.items():
        before = (SCRIPTS / f"{script}.lua").read_text()
        assert changed(before, changes) != before


def test_a_change_that_does_not_fit_is_refused():
    with pytest.raises(ValueError, match="no script has"):
        changed("return 1", [("return 2", "return 3")])


def test_every_mutant_has_a_fault():
    code = """
from tests.soak.mutants import MUTANTS
for mutant in MUTANTS.values():
    assert mutant.scripts or mutant.change.__name__.startswith("_")
    mutant.change()
"""
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)


@pytest.mark.parametrize("kinds", [NETWORK, PROCESSES], ids=["network", "processes"])
def test_the_same_seed_draws_the_same_faults_and_all_kinds_early(kinds):
    def first(seed):
        faults = draw(kinds, seed)
        return [next(faults) for _ in kinds]

    assert first(1) == first(1) != first(2)
    assert {fault.kind for fault in first(1)} == set(kinds)
