"""Polls a port on which nobody listens, for ever."""
import socket
import time


def wait_ready(port):
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1)
            return
        except OSError:
            time.sleep(0.3)


wait_ready(9)
