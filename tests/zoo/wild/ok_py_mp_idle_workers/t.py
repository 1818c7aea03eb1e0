"""Workers wait for work while main takes its time; then there is some, and the end of it."""
import multiprocessing as mp
import time


def serve(tasks, results):
    for x in iter(tasks.get, None):
        results.put(x + 1)


if __name__ == "__main__":
    tasks, results = mp.Queue(), mp.Queue()
    workers = [mp.Process(target=serve, args=(tasks, results)) for _ in range(3)]
    for w in workers:
        w.start()
    time.sleep(3)
    tasks.put(41)
    print(results.get())
    for w in workers:
        tasks.put(None)
    for w in workers:
        w.join()
