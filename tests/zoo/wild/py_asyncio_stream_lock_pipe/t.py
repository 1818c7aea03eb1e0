"""Asks a child over its pipes with asyncio, and forgets to end the line that the child reads."""
import asyncio
import sys


async def ask():
    p = await asyncio.create_subprocess_exec(
        sys.executable, "-c", "print(input() + '!', flush=True)",
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE)
    p.stdin.write(b"hello")
    await p.stdin.drain()
    # one line

    return await p.stdout.readline()


print(asyncio.run(ask()))
