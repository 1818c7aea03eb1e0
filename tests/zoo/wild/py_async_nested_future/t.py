"""A future that nobody completes, three coroutines deep."""
import asyncio


async def answer(loop):
    return await loop.create_future()


async def ask():
    return await answer(asyncio.get_running_loop())


async def main():
    print(await ask())


asyncio.run(main())
