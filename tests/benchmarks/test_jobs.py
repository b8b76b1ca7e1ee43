"""The benchmarks that call the scripts of Redis themselves call them as they are now."""

import subprocess
import sys

import pytest

SMALL = {
    "claims": "--jobs 1000 --owners 10",
    "growth": "--jobs 60 --kept 6",
    "jobs": "--jobs 1000",
    "scale.workers": "--workers 1 --rounds 1",
}


@pytest.mark.parametrize("name", SMALL)
def test_a_benchmark_measures_few_jobs(name):
    command = [sys.executable, "-m", f"benchmarks.{name}", *SMALL[name].split()]
    done = subprocess.run(command, text=True, capture_output=True)
    assert done.returncode == 0, done.stderr
