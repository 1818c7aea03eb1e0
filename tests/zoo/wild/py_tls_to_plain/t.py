"""TLS to a server that speaks no TLS: both wait for the other one."""
import os
import socket
import ssl


def connect(addr):
    raw = socket.create_connection(addr)
    return ssl._create_unverified_context().wrap_socket(raw)


listener = socket.create_server(("127.0.0.1", 0))
if os.fork() == 0:
    conn, _ = listener.accept()
    line = b""
    while not line.endswith(b"\n\n"):
        line += conn.recv(1000)
    os._exit(0)
connect(listener.getsockname())
