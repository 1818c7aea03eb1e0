"""The generator that feeds a pool waits for a result of the pool before it gives the next item; nobody passes results on."""
import multiprocessing as mp
import queue


def double(x):
    return 2 * x


def feed(back):
    yield 1
    while True:
        # the next one depends on the last
        x = back.get()
        if x > 100:
            return
        yield x


if __name__ == "__main__":
    back = queue.Queue()
    with mp.Pool(2) as pool:
        results = list(pool.imap(double, feed(back)))
    print(results)
