"""A thread of trio's gets its item after a while."""
import queue

import trio

items = queue.Queue()


async def give():
    await trio.sleep(3)
    items.put("one")


async def main():
    async with trio.open_nursery() as nursery:
        nursery.start_soon(give)
        print(await trio.to_thread.run_sync(items.get))


trio.run(main)
