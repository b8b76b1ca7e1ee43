"""A worker whose pool forks while the thread that describes the device starts its process.

The fork waits up to a second for that thread, and the thread, which has already opened its pipes,
waits for the fork. A thread that waits for the pool by itself is not in between.
"""

import os
import sys
from threading import Event

from worker.app import app as app

starting, forked = Event(), Event()


def interleave(event, arguments):
    if event == "os.fork":
        starting.wait(1)
    elif event == "subprocess.Popen" and "worker.describe" in arguments[1]:
        starting.set()
        forked.wait()


os.register_at_fork(after_in_parent=forked.set)
sys.addaudithook(interleave)
