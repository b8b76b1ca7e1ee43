"""Where compiled loops are kept, by a small one."""

import os
import subprocess
import sys

import pytest

from tests.processes import ROOT

pytestmark = [pytest.mark.slow, pytest.mark.container]

SOURCE = """
from stepbox.nn.kernels.compiling import kept

@kept
def double(x):
    return 2 * x
"""
USE = """
from loops import double

assert double(21) == 42
print(sum(double.stats.cache_hits.values()), sum(double.stats.cache_misses.values()))
"""


@pytest.fixture
def use(tmp_path):
    """Call the loop in a process of its own; tells how many forms the cache had, how many not."""
    (tmp_path / "loops.py").write_text(SOURCE)

    def use(cache):
        found = f"{tmp_path}{os.pathsep}{ROOT}"
        finished = subprocess.run(
            [sys.executable, "-c", USE],
            env=os.environ | {"NUMBA_CACHE_DIR": str(cache), "PYTHONPATH": found},
            capture_output=True,
            text=True,
            check=True,
        )
        assert finished.stderr == ""
        return finished.stdout.strip()

    return use


def test_what_was_compiled_is_used_though_it_cannot_be_written(use, tmp_path):
    cache = tmp_path / "cache"
    assert use(cache) == "0 1"
    kept = {path: path.stat().st_mtime_ns for path in cache.rglob("*")}
    for path in (*kept, cache):
        path.chmod(0o555 if path.is_dir() else 0o444)
    try:
        assert use(cache) == "1 0"
        assert {path: path.stat().st_mtime_ns for path in cache.rglob("*")} == kept
    finally:
        for path in (cache, *(path for path in kept if path.is_dir())):
            path.chmod(0o755)


def test_a_folder_that_cannot_be_made_fails_nothing(use, tmp_path):
    assert use(tmp_path / "loops.py" / "cache") == "0 1"
