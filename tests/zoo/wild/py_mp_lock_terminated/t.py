"""A worker is terminated while it holds a lock that the parent wants."""
import multiprocessing
import time


def hold(lock, ready):
    lock.acquire()
    ready.set()
    time.sleep(600)


def main():
    lock, ready = multiprocessing.Lock(), multiprocessing.Event()
    p = multiprocessing.Process(target=hold, args=(lock, ready))
    p.start()
    ready.wait()
    p.terminate()
    p.join()
    with lock:
        print("got it")


main()
