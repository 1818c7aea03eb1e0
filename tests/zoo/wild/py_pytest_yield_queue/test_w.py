"""The fixture joins its worker, which was told to end by a mark that another worker took."""
import queue
import threading

import pytest


def work(jobs):
    while jobs.get() is not None:
        pass


@pytest.fixture
def pool():
    jobs = queue.Queue()
    workers = [threading.Thread(target=work, args=[jobs]) for _ in range(2)]
    for w in workers:
        w.start()
    yield jobs
    jobs.put(None)
    for w in workers:
        w.join()


def test_before():
    pass


def test_job(pool):
    pool.put("job")
