"""A nursery waits for a worker, which waits for an event that the failed start never sets."""
import trio


async def start(ready, fail):
    if not fail:
        ready.set()


async def worker(ready):
    await ready.wait()
    print("started", flush=True)


async def main():
    ready = trio.Event()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(worker, ready)
        nursery.start_soon(start, ready, True)


trio.run(main)
