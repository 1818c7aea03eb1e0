"""The peer accepts and never reads; drain() waits for room."""
import asyncio


async def deaf(reader, writer):
    await asyncio.sleep(1000)


async def send(port):
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for _ in range(1000):
        writer.write(b"x" * 100000)
        await writer.drain()


async def main():
    server = await asyncio.start_server(deaf, "127.0.0.1", 0)
    await send(server.sockets[0].getsockname()[1])


asyncio.run(main())
