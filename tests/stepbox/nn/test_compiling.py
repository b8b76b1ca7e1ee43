"""The cache of compiled functions, tested with a small function."""

import os
import shutil
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
    """Call the function in a new process; return the numbers of cache hits and misses."""
    (tmp_path / "loops.py").write_text(SOURCE)

    def use(cache):
        found = f"{tmp_path}{os.pathsep}{ROOT}"
        finished = subprocess.run(
            [sys.executable, "-c", USE],
            cwd=tmp_path,
            env=os.environ | {"NUMBA_CACHE_DIR": str(cache), "PYTHONPATH": found},
            capture_output=True,
            text=True,
            check=True,
        )
        assert finished.stderr == ""
        return finished.stdout.strip()

    return use


def test_a_read_only_cache_is_used(use, tmp_path):
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


def test_a_cache_folder_that_cannot_be_created_is_not_an_error(use, tmp_path):
    assert use(tmp_path / "loops.py" / "cache") == "0 1"


def test_a_change_to_any_module_of_the_package_makes_the_cache_stale(use, tmp_path):
    """A compiled function contains those that it calls, which can be in other modules."""
    package = tmp_path / "stepbox" / "nn" / "kernels"
    package.mkdir(parents=True)
    for folder in ("stepbox", "stepbox/nn", "stepbox/nn/kernels"):
        (tmp_path / folder / "__init__.py").touch()
    shutil.copy(ROOT / "stepbox" / "nn" / "kernels" / "compiling.py", package)
    (package / "factor.py").write_text("# a module that `double` could use\n")
    cache = tmp_path / "cache"
    assert use(cache) == "0 1"
    assert use(cache) == "1 0"
    (package / "factor.py").write_text("# another version\n")
    assert use(cache) == "0 1"
