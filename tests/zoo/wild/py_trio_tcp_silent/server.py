import selectors
import socket

listener = socket.create_server(("127.0.0.1", 0))
print(listener.getsockname()[1], flush=True)
sel = selectors.DefaultSelector()
sel.register(listener, selectors.EVENT_READ)
clients = []
while True:
    for key, _ in sel.select():
        clients.append(listener.accept()[0])
