"""Two sides of a protocol that each wait for the other one's greeting."""
import os
import socket

a, b = socket.socketpair()
if os.fork() == 0:
    a.close()
    b.recv(5)
    b.send(b"hello")
    os._exit(0)
b.close()
a.recv(5)
a.send(b"hello")
os.wait()
