"""Takes the only token of a limiter, then runs a thread that needs a token of the same limiter."""
import trio

limiter = trio.CapacityLimiter(1)


async def submit(function):
    async with limiter:
        return await trio.to_thread.run_sync(function, limiter=limiter)


async def main():
    print(await submit(lambda: 42))


trio.run(main)
