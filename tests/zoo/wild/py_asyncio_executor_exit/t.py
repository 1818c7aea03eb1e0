"""asyncio.run shuts its default executor down, and a thread of it waits for a queue."""
import asyncio
import queue

inbox = queue.Queue()


def listen():
    return inbox.get()


async def main():
    asyncio.get_running_loop().run_in_executor(None, listen)
    await asyncio.sleep(0.1)


asyncio.run(main())
