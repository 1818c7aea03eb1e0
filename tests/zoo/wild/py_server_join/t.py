"""Joins the thread of a server that nobody has told to stop."""
import http.server
import threading


def stop(server, thread):
    # server.shutdown() is missing
    server.timeout = 1
    thread.join()


server = http.server.HTTPServer(("127.0.0.1", 0), http.server.SimpleHTTPRequestHandler)
thread = threading.Thread(target=server.serve_forever)
thread.start()
stop(server, thread)
