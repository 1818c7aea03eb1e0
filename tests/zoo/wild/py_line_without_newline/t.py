"""The client sends no newline, the server reads a line."""
import asyncio
import sys


async def serve(reader, writer):
    line = await reader.readline()
    writer.write(line)


async def main():
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    child = await asyncio.create_subprocess_exec(sys.executable, "client.py", str(port))
    await child.wait()


asyncio.run(main())
