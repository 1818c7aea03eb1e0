import socket
import time
import unittest


def setUpModule():
    """The service of these tests was never started."""
    while True:
        try:
            socket.create_connection(("127.0.0.1", 9)).close()
            return
        except OSError:
            # not yet there

            time.sleep(0.5)


class Api(unittest.TestCase):
    def test_answer(self):
        pass
