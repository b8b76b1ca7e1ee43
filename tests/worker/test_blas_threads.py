import os
import subprocess
import sys

BLAS_THREADS = """
import ctypes
import worker.app
lines = open("/proc/self/maps")
library = next(line.split()[-1] for line in lines if "numpy.libs" in line and "openblas" in line)
print(ctypes.CDLL(library).scipy_openblas_get_num_threads64_())
"""


def test_numpy_uses_one_thread_in_a_worker():
    environment = {k: v for k, v in os.environ.items() if k != "OPENBLAS_NUM_THREADS"}
    done = subprocess.run(
        [sys.executable, "-c", BLAS_THREADS],
        capture_output=True,
        text=True,
        check=True,
        env=environment,
    )
    assert int(done.stdout) == 1
