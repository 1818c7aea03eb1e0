"""A worker waits for its event, and main for the worker: it only takes a while."""
import trio


async def worker(ready, send):
    async with send:
        await ready.wait()
        await send.send("started")


async def main():
    ready = trio.Event()
    send, receive = trio.open_memory_channel(0)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(worker, ready, send)
        await trio.sleep(3)
        ready.set()
        async for item in receive:
            print(item)


trio.run(main)
