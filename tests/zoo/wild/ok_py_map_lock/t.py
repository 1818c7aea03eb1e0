"""Calls of a pool take turns with a lock, each of them slowly."""
import concurrent.futures as cf
import threading
import time

lock = threading.Lock()


def slow(x):
    with lock:
        time.sleep(1)
        return x


with cf.ThreadPoolExecutor(4) as pool:
    print(sum(pool.map(slow, range(4))))
