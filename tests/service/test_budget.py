import asyncio

import pytest

from service.errors import BusyError
from service.server import memory_budget as budget
from service.server.memory_budget import Budget, Share
from tests.event_loops import run_scene


async def turns(count=3):
    """Let the tasks of the event loop run."""
    for _ in range(count):
        await asyncio.sleep(0)


def test_requests_get_memory_in_order_even_if_a_later_one_needs_less():
    async def scene():
        shared = Budget(10)
        await shared.take(8)
        order = []

        async def take(amount):
            await shared.take(amount)
            order.append(amount)

        waiting = [asyncio.create_task(take(amount)) for amount in (9, 1)]
        await turns()
        assert order == []
        shared.give(8)
        await turns()
        assert order == [9, 1]
        await asyncio.gather(*waiting)

    run_scene(scene)


def test_a_request_that_waits_too_long_fails_and_lets_the_next_one_pass(monkeypatch):
    monkeypatch.setattr(budget, "PATIENCE_S", 0.01)

    async def scene():
        shared = Budget(10)
        await shared.take(8)
        with pytest.raises(BusyError):
            await shared.take(9)
        await shared.take(2)

    run_scene(scene)


def test_a_request_cancelled_while_it_waits_holds_nothing():
    async def scene():
        shared = Budget(10)
        await shared.take(10)
        waiting = asyncio.create_task(shared.take(5))
        await turns()
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        shared.give(10)
        await shared.take(10)

    run_scene(scene)


def test_a_request_cancelled_as_it_gets_memory_returns_it():
    async def scene():
        shared = Budget(10)
        await shared.take(10)

        async def work():
            with Share(shared) as share:
                await share.grow(5)

        waiting = asyncio.create_task(work())
        await turns()
        shared.give(10)
        waiting.cancel()
        await asyncio.wait([waiting])
        await shared.take(10)

    run_scene(scene)


def test_a_share_grows_up_to_the_whole_budget_and_is_returned():
    async def scene():
        shared = Budget(10)
        with Share(shared) as share:
            await share.grow(4)
            await share.grow(2)
            assert share.held == 4
            await share.grow(100)
            assert share.held == 10
            share.shrink(3)
            assert share.held == 3
            await shared.take(7)
        await shared.take(3)

    run_scene(scene)
