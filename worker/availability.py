"""Whether the store answers. A worker that cannot reach it claims no job.

The processes of a worker share the time of the last failure, because the main process must not use
a bucket: its client has threads, which a fork would lose.
"""

import logging
import time
from multiprocessing import Value

from stepbox.errors import UnavailableError
from worker.stores import Stores

log = logging.getLogger(__name__)

WAIT_S = 20.0  # a process waits at most this long, then another token starts the next wait
EVERY_S = 2.0
RECENT_S = 60.0  # as long as a request is repeated (`jobs.places.WORKER_PATIENCE_S`)

_failed_at = Value("d", float("-inf"), lock=False)


def store_answers(stores: Stores) -> bool:
    """Wait until the store answers; return False if it does not for `WAIT_S`."""
    deadline = time.monotonic() + WAIT_S
    while True:
        try:
            stores.check()
        except UnavailableError as error:
            log.warning("waiting for the store: %s", error.why)
            _failed_at.value = time.monotonic()
        else:
            _failed_at.value = float("-inf")
            return True
        if time.monotonic() > deadline:
            return False
        time.sleep(EVERY_S)


def waits_for_store() -> bool:
    """Return whether a process of this worker has found lately that the store does not answer."""
    return bool(time.monotonic() - _failed_at.value < RECENT_S)
