"""A worker of a pool is killed in the midst of its task, as the kernel does for memory: the answer never comes."""
import multiprocessing
import os
import signal
import time


def work(n):
    time.sleep(0.3)
    if n == 2:
        os.kill(os.getpid(), signal.SIGKILL)
    return n


def main():
    print(multiprocessing.Pool(2).map(work, range(4), chunksize=1))


if __name__ == "__main__":
    main()
