"""A datagram is lost, and there is no timeout."""
import socket


def ask(port):
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.connect(("127.0.0.1", port)), s.send(b"stat")
    return s.recv(100)


silent = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
silent.bind(("127.0.0.1", 0))
ask(silent.getsockname()[1])
