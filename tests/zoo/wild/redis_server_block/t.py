"""A queue in Redis that nobody fills; the server is well."""
import socket
import subprocess
import time


def pop(path):
    s = socket.socket(socket.AF_UNIX)
    s.connect(path)
    s.sendall(b"BLPOP jobs 0\r\n")
    return s.recv(100)


subprocess.Popen(["redis-server", "--port", "0", "--unixsocket", "./r.sock", "--save", "", "--logfile", "log"])
time.sleep(1)
pop("./r.sock")
