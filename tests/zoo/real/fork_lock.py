# A child of fork() inherits a lock that a thread of its parent holds, and no thread to release it.
import multiprocessing
import threading
import time

lock = threading.Lock()


def log(text):
    with lock:
        time.sleep(0.3)


def work():
    log("child")


threading.Thread(target=log, args=("parent",)).start()
time.sleep(0.1)
p = multiprocessing.get_context("fork").Process(target=work)
p.start()
p.join()
