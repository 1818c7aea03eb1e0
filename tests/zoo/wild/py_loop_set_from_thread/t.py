"""The event is set by another thread, past the loop, which is asleep in its selector."""
import asyncio
import threading
import time


async def main():
    done = asyncio.Event()

    def compute():
        time.sleep(0.5)
        done.set()

    threading.Thread(target=compute).start()
    await done.wait()


asyncio.run(main())
