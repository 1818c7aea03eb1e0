"""A thread puts into an asyncio queue, which does not wake the loop."""
import asyncio
import threading
import time


def produce(q):
    time.sleep(0.3)
    q.put_nowait("news")


async def main():
    q = asyncio.Queue()
    threading.Thread(target=produce, args=(q,)).start()

    print(await q.get())

asyncio.run(main())
