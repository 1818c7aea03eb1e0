"""shutdown() within a handler waits for the loop that runs the handler."""
import socketserver
import socket
import threading


class Quit(socketserver.StreamRequestHandler):
    def handle(self):
        self.rfile.readline()
        self.server.shutdown()


server = socketserver.TCPServer(("127.0.0.1", 0), Quit)
loop = threading.Thread(target=server.serve_forever)
loop.start()
with socket.create_connection(server.server_address) as s:
    s.sendall(b"quit\n")
loop.join()
