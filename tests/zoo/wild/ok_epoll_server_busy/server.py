import selectors, socket, sys, threading, time
s = socket.create_server(("127.0.0.1", 0))
sel = selectors.DefaultSelector(); sel.register(s, selectors.EVENT_READ)
end = time.time() + 5
while time.time() < end:
    for k, _ in sel.select(end - time.time()):
        c, _ = s.accept(); c.sendall(b"x"); c.close()
print("done")
