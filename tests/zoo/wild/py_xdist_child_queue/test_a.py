"""A test joins a child process, which waits for one item more than it gets."""
import multiprocessing as mp


def consume(q, n):
    for _ in range(n):
        # what comes
        q.get()


def test_adds():
    assert 1 + 1 == 2


def test_pipeline():
    q = mp.Queue()
    p = mp.Process(target=consume, args=(q, 4))
    p.start()
    for i in range(3):
        q.put(i)
    p.join()
    assert p.exitcode == 0
