"""The receiving loop ends when the sending side is closed, and nobody closes it."""
import trio


async def consume(receive):
    async for item in receive:
        print(item, flush=True)


async def main():
    send, receive = trio.open_memory_channel(0)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(consume, receive)
        await send.send("one")


trio.run(main)
