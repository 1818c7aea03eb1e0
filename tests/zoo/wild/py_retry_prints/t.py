"""Tries again for ever, and says so each time: there is output, and no progress."""
import socket
import time


def connect():
    while True:
        try:
            return socket.create_connection(("127.0.0.1", 9))
        except OSError:
            print("waiting for the database: connection refused, retrying", flush=True)
            time.sleep(0.4)


connect()
