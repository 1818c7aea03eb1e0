"""Two tasks take two locks of trio's in opposite order."""
import trio


async def transfer(a, b):
    async with a:
        await trio.sleep(0.1)
        async with b:
            print("done", flush=True)


async def main():
    x, y = trio.Lock(), trio.Lock()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(transfer, x, y)
        nursery.start_soon(transfer, y, x)


trio.run(main)
