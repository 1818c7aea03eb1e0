"""wait() of a child whose output goes into a pipe that nobody reads: the child stands in write."""
import asyncio
import sys


async def run():
    child = await asyncio.create_subprocess_exec(sys.executable, "-c", "print('x' * 3000000)", stdout=asyncio.subprocess.PIPE)
    await child.wait()

asyncio.run(run())
