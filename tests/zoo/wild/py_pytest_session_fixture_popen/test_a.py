"""The session's fixture tells its worker to end by a signal that the worker ignores, and waits for it."""
import multiprocessing as mp
import signal
import time

import pytest


def worker():
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    while True:
        time.sleep(3600)


@pytest.fixture(scope="session")
def background():
    p = mp.Process(target=worker)
    p.start()
    time.sleep(0.5)
    yield p
    p.terminate()
    p.join()


def test_adds(background):
    assert background.is_alive()
