import os, socket, time
s = socket.create_server(("127.0.0.1", 0))
open("port.new", "w").write(str(s.getsockname()[1])); os.rename("port.new", "port")
c = s.accept()
time.sleep(600)
