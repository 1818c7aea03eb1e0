"""The first test fails within the lock; the second one waits for it."""
import threading
import unittest

lock = threading.Lock()


class Store(unittest.TestCase):
    def test_a_write(self):
        lock.acquire()
        self.assertEqual(1, 2)
        lock.release()

    def test_b_read(self):
        lock.acquire()
        lock.release()


if __name__ == "__main__":
    unittest.main(verbosity=2)
