"""A worker dies of an exception before task_done(); join() waits for the count that never falls."""
import queue
import threading

jobs = queue.Queue()
threading.excepthook = lambda a: None


def worker():
    jobs.get()
    raise ValueError("bad job")


def run():
    threading.Thread(target=worker, daemon=True).start()
    for n in range(2):
        jobs.put(n)
    jobs.join()


run()
