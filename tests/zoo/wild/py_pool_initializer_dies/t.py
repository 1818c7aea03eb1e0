"""Each worker dies in its initializer; the pool starts new ones for ever."""
import multiprocessing
import os


def init():
    os._exit(3)


def run():
    with multiprocessing.Pool(1, init) as pool:
        return pool.apply(os.getpid)


if __name__ == "__main__":
    run()
