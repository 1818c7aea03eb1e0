import os
import socket

s = socket.socket(socket.AF_UNIX)
s.connect(os.path.join(os.path.dirname(os.path.abspath(__file__)), "sock"))
s.sendall(b"index\n")
s.recv(100)
