"""Tries for ever to connect to a port on which nobody listens."""
import socket
import time


def connect(port):
    while True:
        try:
            return socket.create_connection(("127.0.0.1", port), 1)
        except OSError:
            time.sleep(0.3)


with socket.socket() as s:
    s.bind(("127.0.0.1", 0))
    free = s.getsockname()[1]
connect(free)
