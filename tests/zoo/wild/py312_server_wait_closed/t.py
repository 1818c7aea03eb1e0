"""Since 3.12 wait_closed() waits for the connections of the server as well; one is left open."""
import asyncio


async def handle(reader, writer):
    writer.write(b"hello\n")
    await writer.drain()


async def stop(server):
    server.close()
    # every connection

    await server.wait_closed()


async def main():
    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
    print(await reader.readline())
    await stop(server)

asyncio.run(main())
