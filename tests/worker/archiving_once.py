"""Archives once, and waits at a point of it while a file has its name.

The points are ``write`` (before a file is written), ``register`` (before the script that registers
it) and ``over`` (after this script). The files are as in `tests.worker.holding`. The file
``archiving`` contains the id of this process.
"""

import os

from jobs.archive import Archive
from jobs.archiving import Archiver
from tests.worker.holding import FOLDER, hold
from worker.archive import main


def register_and_hold(*arguments):
    hold("register")
    result = register(*arguments)
    hold("over")
    return result


def write_and_hold(*arguments):
    hold("write")
    return write(*arguments)


register, Archive.register = Archive.register, register_and_hold
write, Archiver._write = Archiver._write, write_and_hold
if __name__ == "__main__":
    (FOLDER / "archiving").write_text(str(os.getpid()))
    main()
