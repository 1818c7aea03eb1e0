"""A server that serves one connection at a time, and a client that keeps its first one open."""
import http.client
import http.server
import threading


class Echo(http.server.SimpleHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass


def ask(port):
    client = http.client.HTTPConnection("127.0.0.1", port)
    client.request("GET", "/"), client.getresponse().read()
    return client


server = http.server.HTTPServer(("127.0.0.1", 0), Echo)
threading.Thread(target=server.serve_forever, daemon=True).start()
first = ask(server.server_port)
second = ask(server.server_port)
