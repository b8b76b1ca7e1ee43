"""A deaf worker: a worker that takes no messages from the queue.

With `DEAF=consumer`, its event loop runs, but takes no messages until it reconnects, as in
celery#10302. With `DEAF=loop`, its event loop hangs.
"""

import os
import time

from celery.signals import worker_ready

from worker.app import app as app


@worker_ready.connect
def stop_listening(sender, **_):
    if os.environ["DEAF"] == "loop":
        sender.hub.call_soon(time.sleep, 1000)
    elif not sender.restart_count:
        sender.task_consumer.cancel()
