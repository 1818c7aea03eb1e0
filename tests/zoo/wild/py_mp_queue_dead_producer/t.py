"""The producer dies before its last message; the consumer, for whom main waits, goes on waiting for it."""
import multiprocessing


def produce(q):
    q.put(1)
    raise SystemExit(3)


def consume(q):
    while True:
        if q.get() is None:
            return


def main():
    q = multiprocessing.Queue()
    a = multiprocessing.Process(target=produce, args=(q,))
    b = multiprocessing.Process(target=consume, args=(q,))
    a.start(), b.start()
    a.join(), b.join()


if __name__ == "__main__":
    main()
