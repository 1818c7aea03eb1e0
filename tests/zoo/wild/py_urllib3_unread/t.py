"""A pool of one connection, and the first answer is not read."""
import http.server
import threading

import urllib3


class Page(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", "5")
        self.end_headers()
        self.wfile.write(b"hello")

    def log_message(self, *args):
        pass


def fetch(pool, url):
    return pool.request("GET", url, preload_content=False)


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Page)
threading.Thread(target=server.serve_forever, daemon=True).start()
pool = urllib3.PoolManager(maxsize=1, block=True)
url = "http://127.0.0.1:%d/" % server.server_port
first, second = fetch(pool, url), fetch(pool, url)
