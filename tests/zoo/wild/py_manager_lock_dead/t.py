"""A worker dies while it has the lock of a manager, which nobody gives back for it."""
import multiprocessing as mp
import os
import signal


def work(lock):
    lock.acquire()
    os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    with mp.Manager() as manager:
        lock = manager.Lock()
        p = mp.Process(target=work, args=(lock,))
        p.start()
        p.join()
        lock.acquire()
        print("mine")
