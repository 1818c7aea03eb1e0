import multiprocessing
import time


def slow(n):
    time.sleep(3)
    return n


if __name__ == "__main__":
    with multiprocessing.Pool(2) as p:
        print(p.map(slow, [1, 2]))
