"""The test asks a manager's queue for a result that no worker puts."""
import multiprocessing
import unittest


class Jobs(unittest.TestCase):
    def test_result(self):
        with multiprocessing.Manager() as m:
            results = m.Queue()
            self.assertEqual(results.get(), 42)
