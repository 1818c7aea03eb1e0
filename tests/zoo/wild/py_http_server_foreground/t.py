"""A server in front, for which somebody forgot the &: it never ends."""
import http.server

s = http.server.HTTPServer(("127.0.0.1", 0), http.server.BaseHTTPRequestHandler)
s.serve_forever()
