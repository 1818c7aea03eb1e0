"""A thread is within the cache's lock while multiprocessing forks; the child wants it, too."""
import multiprocessing
import threading
import time

lock = threading.Lock()


def load(seconds):
    with lock:
        time.sleep(seconds)


if __name__ == "__main__":
    threading.Thread(target=load, args=(0.6,)).start()
    time.sleep(0.2)
    child = multiprocessing.get_context("fork").Process(target=load, args=(0,))
    child.start()
    child.join()
