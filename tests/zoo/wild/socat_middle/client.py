import socket

c = socket.socket(socket.AF_UNIX)
c.connect("front.sock")
c.sendall(b"status\n")
print(c.recv(100))
