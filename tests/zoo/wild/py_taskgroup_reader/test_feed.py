"""A task group waits for a client whose server takes the connection and says nothing."""
import asyncio
import unittest


async def first_line(port):
    reader, _ = await asyncio.open_connection("127.0.0.1", port)
    return await reader.readline()


class Feed(unittest.IsolatedAsyncioTestCase):
    async def test_first(self):
        server = await asyncio.start_server(lambda r, w: asyncio.sleep(3600), "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        async with asyncio.TaskGroup() as g:
            t = g.create_task(first_line(port))
        self.assertEqual(t.result(), b"hello\n")
