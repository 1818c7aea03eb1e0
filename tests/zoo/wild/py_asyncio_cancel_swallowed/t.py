"""The task swallows its cancellation and goes on waiting; main waits for the task's end."""
import asyncio


async def poll(queue):
    while True:
        try:
            await queue.get()
        except asyncio.CancelledError:
            pass


async def main():
    task = asyncio.create_task(poll(asyncio.Queue()))
    await asyncio.sleep(0.2)
    task.cancel()
    await asyncio.wait([task])


asyncio.run(main())
