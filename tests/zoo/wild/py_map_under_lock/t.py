"""Maps over a pool with a lock held that each call needs."""
import concurrent.futures as cf
import threading

lock = threading.Lock()
total = 0


def add(x):
    global total
    with lock:
        total += x


def add_all(xs):
    with cf.ThreadPoolExecutor(2) as pool:
        with lock:
            list(pool.map(add, xs))


add_all(range(5))
print(total)
