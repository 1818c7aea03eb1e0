"""Polls a flag in shared memory; the worker that should set it has failed."""
import multiprocessing as mp
import time
from multiprocessing import shared_memory


def worker(name):
    block = shared_memory.SharedMemory(name)
    value = {}["answer"]
    block.buf[0] = value


def main():
    block = shared_memory.SharedMemory(create=True, size=1)
    p = mp.Process(target=worker, args=(block.name,))
    p.start()
    try:
        while not block.buf[0]:
            # not yet
            time.sleep(0.05)
    finally:
        block.unlink()


if __name__ == "__main__":
    main()
