"""A test of pytest-asyncio takes an asyncio lock twice."""
import asyncio

import pytest


async def update(lock):
    async with lock:
        await read(lock)


async def read(lock):
    async with lock:
        return 1


@pytest.mark.asyncio
async def test_update():
    await update(asyncio.Lock())
