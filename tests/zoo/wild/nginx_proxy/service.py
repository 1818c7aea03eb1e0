import os
import socket
import time

os.umask(0)
s = socket.socket(socket.AF_UNIX)
s.bind("service.sock")
s.listen(5)


def answer(c):
    c.recv(1000)
    time.sleep(5000)


while True:
    answer(s.accept()[0])
