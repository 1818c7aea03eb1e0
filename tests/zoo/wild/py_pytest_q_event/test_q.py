import threading


def test_first():
    pass


def test_wait():
    threading.Event().wait()
