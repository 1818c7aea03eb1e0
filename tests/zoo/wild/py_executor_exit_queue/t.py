"""The main program is over; a job of an executor still waits for a queue."""
import concurrent.futures
import queue

jobs = queue.Queue()


def drain():
    return jobs.get()


pool = concurrent.futures.ThreadPoolExecutor(1)
pool.submit(drain)
print("all done")
