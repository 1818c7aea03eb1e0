"""Asks a server of its own for its health, again and again; it is never healthy."""
import http.server
import threading
import time
import urllib.error
import urllib.request


def wait_healthy(url):
    while True:
        try:
            if urllib.request.urlopen(url + "/status", timeout=5).status == 200:
                return
        except urllib.error.HTTPError:
            pass
        time.sleep(0.3)


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_error(503)

    def log_message(self, *args):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
threading.Thread(target=server.serve_forever, daemon=True).start()
wait_healthy(f"http://127.0.0.1:{server.server_port}")
