"""A server that serves one call at a time calls itself."""
import threading
import xmlrpc.client
import xmlrpc.server

server = xmlrpc.server.SimpleXMLRPCServer(("127.0.0.1", 0), logRequests=False)
url = "http://127.0.0.1:%d/" % server.server_address[1]


def inner():
    return 1


def outer():
    return xmlrpc.client.ServerProxy(url).inner()


def ask():
    return xmlrpc.client.ServerProxy(url).outer()


server.register_function(inner)
server.register_function(outer)
threading.Thread(target=server.serve_forever, daemon=True).start()
ask()
