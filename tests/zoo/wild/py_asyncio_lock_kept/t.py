"""A task that is cancelled keeps the lock that it took by hand; the next one waits for it."""
import asyncio

lock = asyncio.Lock()


async def first():
    await lock.acquire()
    await asyncio.sleep(100)
    lock.release()


async def second():
    await asyncio.sleep(0.2)
    await lock.acquire()


async def main():
    task = asyncio.create_task(first())
    await asyncio.sleep(0.1)
    task.cancel()
    await second()

asyncio.run(main())
