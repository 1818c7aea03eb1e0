"""The client of multiprocessing waits for a challenge; the server on that port is another one."""
import socket
import threading
from multiprocessing.connection import Client


def connect(address):
    return Client(address, authkey=b"secret")


server = socket.create_server(("127.0.0.1", 0))
kept = []
threading.Thread(target=lambda: kept.append(server.accept()), daemon=True).start()
connect(server.getsockname())
