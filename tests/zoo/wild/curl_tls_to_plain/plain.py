import socket

s = socket.socket()
s.bind(("127.0.0.1", 0))
s.listen(1)
print(s.getsockname()[1], flush=True)
c = s.accept()[0]
c.makefile("rb").read(5000)
