"""A question that is asked in a thread, so that the loop goes on."""
import asyncio


def ask():
    return input("Continue? ")


async def main():
    ticker = asyncio.create_task(asyncio.sleep(3600))
    answer = await asyncio.to_thread(ask)
    ticker.cancel()
    print(answer)


asyncio.run(main())
