"""Awaits the end of a child that does not end."""
import asyncio


async def build():
    child = await asyncio.create_subprocess_exec("sleep", "300")
    return await child.wait()

asyncio.run(build())
