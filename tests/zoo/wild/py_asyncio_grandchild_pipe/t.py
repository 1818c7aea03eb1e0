"""The child has ended; asyncio waits for the end of its output, which the grandchild holds."""
import asyncio


async def build():
    p = await asyncio.create_subprocess_shell("sleep 400 & echo built", stdout=asyncio.subprocess.PIPE)
    await p.wait()


asyncio.run(build())
