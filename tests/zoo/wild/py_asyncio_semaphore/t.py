"""A crawler that holds its only permit while it fetches what needs one, too."""
import asyncio


async def fetch(url, permits):
    if url == "leaf":
        await asyncio.sleep(0)
    async with permits:
        if url != "leaf":
            await fetch("leaf", permits)


async def main():
    await fetch("index", asyncio.Semaphore(1))

asyncio.run(main())
