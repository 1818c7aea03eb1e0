import queue
import unittest
from unittest import mock


def submit(q, job):
    q.put(job)


class Jobs(unittest.TestCase):
    """put is a mock, get is not."""

    def test_job(self):
        q = queue.Queue()
        with mock.patch.object(q, "put"):
            submit(q, "build")
            self.assertEqual(q.get(), "build")
