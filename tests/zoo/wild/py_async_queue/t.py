"""The consumer awaits a third item of a queue into which two are put."""
import asyncio


async def consume(q):
    while True:
        print(await q.get())


async def main():
    q = asyncio.Queue()
    t = asyncio.create_task(consume(q))
    await q.put(1)
    await q.put(2)
    await t


asyncio.run(main())
