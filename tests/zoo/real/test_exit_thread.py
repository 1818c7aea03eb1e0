# Every test passes, the summary is printed, and the program does not end: a thread is no daemon.
import threading
import time
import unittest


def poll():
    while True:
        time.sleep(1000)


class Service(unittest.TestCase):
    def test_starts(self):
        threading.Thread(target=poll, name="poller").start()

    def test_answers(self):
        self.assertEqual(6 * 7, 42)
