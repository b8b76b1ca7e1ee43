"""A worker that archives all the time, and waits at a point of it while a file has its name.

The points are ``write`` (before a file is written), ``register`` (before the script that registers
it) and ``over`` (after this script). The files are as in `tests.worker.holding`.
"""

from jobs.archiving import Archiver
from jobs.reader import JobReader
from tests.worker.holding import hold
from tests.worker.tidy import app as app


def run_and_hold(jobs, script, *arguments, **options):
    if script != "archive":
        return run(jobs, script, *arguments, **options)
    hold("register")
    result = run(jobs, script, *arguments, **options)
    hold("over")
    return result


def write_and_hold(archiver, files, ids):
    hold("write")
    return write(archiver, files, ids)


run, JobReader._run = JobReader._run, run_and_hold
write, Archiver._write = Archiver._write, write_and_hold
