"""Stop taking tokens while the worker is draining, and begin again when it no longer is.

Jobs do not depend on this: a draining worker claims none. But a token that it takes is lost, and
other workers would have to wait for the next one.
"""

import logging
from typing import Any

log = logging.getLogger(__name__)


class Draining:
    """Whether the worker takes tokens."""

    def __init__(self) -> None:
        self._left: list[str] | None = None  # the queues that it has left while it is draining

    def follow(self, worker: Any, *, draining: bool) -> None:
        """Leave all queues if the worker is draining, or else return to those that it has left."""
        if draining and self._left is None:
            log.warning("the worker is draining: it takes no job until it is resumed or restarted")
            self._left = [*worker.app.amqp.queues.consume_from]
            for queue in self._left:
                worker.consumer.call_soon(worker.consumer.cancel_task_queue, queue)
        if self._left is not None and not draining:
            log.warning("the worker takes jobs again")
            for queue in self._left:
                worker.consumer.call_soon(worker.consumer.add_task_queue, queue)
            self._left = None
