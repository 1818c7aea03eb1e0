"""The module starts its server when it is imported; the guard of __main__ is missing."""
from http.server import HTTPServer, SimpleHTTPRequestHandler

server = HTTPServer(("127.0.0.1", 0), SimpleHTTPRequestHandler)
server.serve_forever()
