"""Two workers of xdist share a database by a lock file; the one that has it waits for a notice that does not come."""
import fcntl
import os
import threading
import time

PATH = os.path.join(os.path.dirname(os.path.abspath(__file__)), "db.lock")


def locked():
    f = open(PATH, "w")
    fcntl.flock(f, fcntl.LOCK_EX)
    return f


def test_migrate():
    with locked():
        open(PATH + ".taken", "w").close()
        threading.Event().wait()


def test_query():
    while not os.path.exists(PATH + ".taken"):
        time.sleep(0.02)
    with locked():
        pass
