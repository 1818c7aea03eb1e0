"""pytest-timeout has a thread of its own beside the test."""
import queue


def test_get():
    q = queue.Queue()
    assert q.empty()
    q.get()
