"""The consumer died of an exception; the producer's queue is full."""
import queue
import threading

jobs = queue.Queue(maxsize=2)


def consume():
    raise ValueError(jobs.get())


def produce():
    for n in range(10):
        jobs.put(n)


threading.Thread(target=consume, daemon=True).start()
produce()
