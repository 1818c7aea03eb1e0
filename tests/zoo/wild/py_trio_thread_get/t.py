"""A thread of trio's waits for an item that a task should put, which waits for the thread."""
import queue

import trio

items = queue.Queue()


def take():
    return items.get()


async def main():
    first = await trio.to_thread.run_sync(take)
    items.put("one")
    print(first)


trio.run(main)
