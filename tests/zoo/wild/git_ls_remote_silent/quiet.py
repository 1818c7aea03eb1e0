import os, socket, threading
s = socket.create_server(("127.0.0.1", 0))
open("port.new", "w").write(str(s.getsockname()[1])); os.rename("port.new", "port")
kept = [s.accept() for _ in range(2)]
threading.Event().wait()
