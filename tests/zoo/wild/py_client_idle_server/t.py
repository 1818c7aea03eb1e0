"""The server takes the connection and waits for the end of a line, which the client has not sent."""
import os
import socket
import socketserver

srv = socketserver.TCPServer(("127.0.0.1", 0), type("H", (socketserver.StreamRequestHandler,), {"handle": lambda s: s.rfile.readline()}))
if os.fork() == 0:
    srv.serve_forever()


def ask():
    c = socket.create_connection(srv.server_address)
    # no newline: the other side waits for it
    c.sendall(b"PING")
    return c.recv(4)


ask()
