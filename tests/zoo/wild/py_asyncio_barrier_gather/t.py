"""Four workers meet at a barrier; one of them fails before it, and gather() waits for the others as well."""
import asyncio


async def worker(n, barrier):
    await asyncio.sleep(0.01 * n)
    if n == 2:
        raise ValueError(n)
    await barrier.wait()


async def main():
    barrier = asyncio.Barrier(4)
    print(await asyncio.gather(*(worker(n, barrier) for n in range(4)), return_exceptions=True))

asyncio.run(main())
