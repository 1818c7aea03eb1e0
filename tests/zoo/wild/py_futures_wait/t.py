"""wait() on all futures; one job waits for a flag that another one should set and does not."""
import concurrent.futures
import threading

ready = threading.Event()


def first():
    ready.wait()


def second():
    return 2


def main():
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        concurrent.futures.wait([pool.submit(first), pool.submit(second)])


main()
