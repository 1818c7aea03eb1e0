"""The server process is joined and never told to end."""
import multiprocessing
import unittest
from http.server import HTTPServer, SimpleHTTPRequestHandler


class Api(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        server = HTTPServer(("127.0.0.1", 0), SimpleHTTPRequestHandler)
        cls.process = multiprocessing.Process(target=server.serve_forever)
        cls.process.start()

    @classmethod
    def tearDownClass(cls):
        cls.process.join()

    def test_adds(self):
        self.assertEqual(1 + 1, 2)
