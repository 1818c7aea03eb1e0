"""The coroutine never closes the input of sort, and waits for its exit."""
import asyncio


async def order(words):
    p = await asyncio.create_subprocess_exec("sort", stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE)
    for w in words:
        p.stdin.write(w.encode() + b"\n")
    await p.stdin.drain()
    return await p.stdout.read()


print(asyncio.run(order(["b", "a"])))
