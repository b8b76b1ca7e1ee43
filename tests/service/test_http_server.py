import os
import signal
import subprocess
import sys

import pytest

pytestmark = pytest.mark.slow

FORKS = """
import os, signal, time
from service.server.worker_process import Worker, hold_stop_signals_while_forking

signal.signal(signal.SIGTERM, lambda number, frame: None)  # like gunicorn's, does not exit
hold_stop_signals_while_forking()
child = os.fork()
if not child:
    time.sleep(0.3)  # the signal arrives meanwhile
    Worker.init_signals(object.__new__(Worker))
    time.sleep(20)
    os._exit(0)
os.kill(child, signal.SIGTERM)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
print(len(signal.pthread_sigmask(signal.SIG_BLOCK, ())))
"""


def test_a_process_that_was_just_forked_gets_a_stop_signal():
    done = subprocess.run([sys.executable, "-c", FORKS], capture_output=True, text=True, check=True)
    exit_code, blocked_in_parent = done.stdout.split()
    assert int(exit_code) == -signal.SIGTERM
    assert int(blocked_in_parent) == 0


# Like gunicorn: read the settings, then import the application.
BLAS_THREADS = """
import ctypes, runpy
runpy.run_path("service/server/gunicorn_conf.py")
import service.asgi
library = next(line.split()[-1] for line in open("/proc/self/maps") if "openblas" in line)
print(ctypes.CDLL(library).scipy_openblas_get_num_threads64_())
"""


def test_numpy_uses_one_thread_in_each_process():
    environment = {k: v for k, v in os.environ.items() if k != "OPENBLAS_NUM_THREADS"}
    done = subprocess.run(
        [sys.executable, "-c", BLAS_THREADS],
        capture_output=True,
        text=True,
        check=True,
        env=environment,
    )
    assert int(done.stdout) == 1


RELOAD = """
import gc, runpy
settings = runpy.run_path("service/server/gunicorn_conf.py")
print(gc.isenabled())
settings["on_reload"](None)
print(gc.isenabled())
"""


def test_garbage_collection_is_enabled_after_a_reload():
    done = subprocess.run(
        [sys.executable, "-c", RELOAD], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["False", "True"]
