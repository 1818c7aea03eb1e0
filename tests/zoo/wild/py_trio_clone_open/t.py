"""Each producer closes its clone of the sender; the first sender stays open, so the consumer's loop never ends."""
import trio


async def produce(send, items):
    async with send:
        for item in items:
            await send.send(item)


async def total(receive):
    n = 0
    async with receive:
        async for item in receive:
            n += item
    return n


async def main():
    send, receive = trio.open_memory_channel(1)
    async with trio.open_nursery() as nursery:
        for start in (0, 10):
            nursery.start_soon(produce, send.clone(), range(start, start + 3))
        print(await total(receive))


trio.run(main)
