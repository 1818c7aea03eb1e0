"""A task of a pool of one waits for a task that it gave to the same pool."""
import concurrent.futures

pool = concurrent.futures.ThreadPoolExecutor(max_workers=1)


def inner():
    return 1


def outer():
    return pool.submit(inner).result()


print(pool.submit(outer).result())
