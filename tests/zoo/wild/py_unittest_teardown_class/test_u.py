"""tearDownClass joins the thread of a server that nobody tells to end."""
import socket
import threading
import unittest


class TestHello(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.listener = socket.create_server(("127.0.0.1", 0))
        cls.server = threading.Thread(target=cls.serve)
        cls.server.start()

    @classmethod
    def serve(cls):
        while True:
            c, _ = cls.listener.accept()
            c.sendall(b"hello")
            c.close()

    @classmethod
    def tearDownClass(cls):
        cls.server.join()

    def test_hello(self):
        with socket.create_connection(self.listener.getsockname()) as c:
            self.assertEqual(c.recv(10), b"hello")
