"""A worker that takes no messages.

`DEAF=consumer`: its loop runs, until it connects anew, as after celery#10302. `DEAF=loop`: its
loop hangs.
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
