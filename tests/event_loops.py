"""Event loops of tests."""

import asyncio
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import uvloop

LONGEST_S = 60


def run_scene(scene: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Run a coroutine in an event loop like the API's.

    It has a thread of its own: in the main one the browser's loop may run, as long as it is open.
    """

    def play() -> None:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(asyncio.wait_for(scene(), LONGEST_S))

    with ThreadPoolExecutor(1) as thread:
        thread.submit(play).result()
