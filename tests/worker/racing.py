"""A worker whose pool forks while the thread that describes the device starts its process.

The fork waits up to a second for that thread, and the thread, which has already opened its pipes,
waits for the fork. So a child of the pool inherits the pipes, unless the thread itself starts its
process only after the pool.

Celery starts steps that do not require each other in any order. Here the pool requires the reaper,
so that the thread always runs before the pool forks.
"""

import os
import sys
from threading import Event

from celery.worker.components import Pool

from worker.app import app as app
from worker.reaper import Reaper

starting, forked = Event(), Event()


def interleave(event, arguments):
    if event == "os.fork":
        starting.wait(1)
    elif event == "subprocess.Popen" and "worker.describe" in arguments[1]:
        starting.set()
        forked.wait()


Pool.requires = (*Pool.requires, Reaper)
os.register_at_fork(after_in_parent=forked.set)
sys.addaudithook(interleave)
