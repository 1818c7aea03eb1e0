"""A client of trio's waits for the answer of a server in another process that never answers."""
import subprocess
import sys

import trio


async def ask(port):
    stream = await trio.open_tcp_stream("127.0.0.1", port)
    await stream.send_all(b"hello\n")
    # what does it say?
    return await stream.receive_some(100)


async def main(port):
    print(await ask(port))


server = subprocess.Popen([sys.executable, "server.py"], stdout=subprocess.PIPE)
trio.run(main, int(server.stdout.readline()))
