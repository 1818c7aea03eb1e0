import time


def test_a():
    time.sleep(3)


def test_b():
    pass
