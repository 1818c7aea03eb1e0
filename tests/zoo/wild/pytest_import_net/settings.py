import socket

silent = socket.create_server(("127.0.0.1", 0))


def fetch():
    s = socket.create_connection(silent.getsockname())
    s.sendall(b"GET / HTTP/1.0\r\n\r\n")
    return s.recv(1000)


CONFIG = fetch()
