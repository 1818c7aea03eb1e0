"""A lock of threads is held across an await of what needs it in another thread."""
import asyncio
import threading

lock = threading.Lock()


def work():
    with lock:
        return 1


async def main():
    with lock:
        await asyncio.to_thread(work)

asyncio.run(main())
