"""The loop's own thread waits for the result of what only the loop can run."""
import asyncio


async def value():
    return 1


async def work():
    loop = asyncio.get_running_loop()
    print(asyncio.run_coroutine_threadsafe(value(), loop).result())


asyncio.run(work())
