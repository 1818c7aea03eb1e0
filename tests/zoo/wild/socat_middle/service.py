import socket
import time

s = socket.socket(socket.AF_UNIX)
s.bind("service.sock")
s.listen(5)
c = s.accept()[0]
c.recv(100)
time.sleep(5000)
