import socket
import time


def reindex():
    time.sleep(600)


s = socket.socket(socket.AF_UNIX)
s.bind("sock")
s.listen()
c, _ = s.accept()
c.recv(100)
reindex()
c.sendall(b"done\n")
