import time
import unittest


class S(unittest.TestCase):
    def test_slow(self):
        time.sleep(3.2)
