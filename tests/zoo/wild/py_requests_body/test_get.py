"""The server sends its headers and no body."""
import socket
import threading

import requests


def serve(s):
    c, _ = s.accept()
    c.recv(1000)
    c.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n")
    threading.Event().wait()


def test_download():
    s = socket.create_server(("127.0.0.1", 0))
    threading.Thread(target=serve, args=(s,), daemon=True).start()
    assert requests.get("http://127.0.0.1:%d/" % s.getsockname()[1]).ok
