"""The consumer task dies of a bad item; join waits for the rest."""
import asyncio


async def consume(q):
    while True:
        print(10 // await q.get())
        q.task_done()


async def main():
    q = asyncio.Queue()
    task = asyncio.create_task(consume(q))
    for n in (5, 0, 2):
        q.put_nowait(n)
    await q.join()
    task.cancel()


asyncio.run(main())
