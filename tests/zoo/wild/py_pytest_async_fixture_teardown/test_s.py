"""The teardown of a fixture waits for a task that it never cancelled."""
import asyncio

import pytest
import pytest_asyncio


async def poll(queue):
    while True:
        await queue.get()


@pytest_asyncio.fixture
async def service():
    queue = asyncio.Queue()
    task = asyncio.create_task(poll(queue))
    yield queue
    await queue.put("stop")
    # "stop" means nothing to poll()

    await task


def test_adds():
    assert 1 + 1 == 2


@pytest.mark.asyncio
async def test_uses_service(service):
    await service.put("hello")
