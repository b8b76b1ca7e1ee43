"""Run coroutines in tests."""

import asyncio
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import uvloop

LONGEST_S = 60


def run_scene(scene: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Run a coroutine in an event loop like that of the API.

    It runs in a new thread, because Playwright's event loop may run in the main thread.
    """

    def play() -> None:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(asyncio.wait_for(scene(), LONGEST_S))

    with ThreadPoolExecutor(1) as thread:
        thread.submit(play).result()
