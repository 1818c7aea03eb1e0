import multiprocessing as mp
import time
import unittest


def announce(cond):
    with cond:
        cond.notify_all()


class Ready(unittest.TestCase):
    """The other process says that it is ready before anybody listens."""

    def test_ready(self):
        cond = mp.Condition()
        p = mp.Process(target=announce, args=(cond,))
        p.start()
        p.join()
        with cond:
            cond.wait()
