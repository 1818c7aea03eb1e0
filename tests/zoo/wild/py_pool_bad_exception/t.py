"""A worker raises an exception that cannot be unpickled: the thread that takes the results dies of it."""
import multiprocessing


class Refused(Exception):
    def __init__(self, code, why):
        super().__init__(why)


def work(n):
    raise Refused(n, "no")


def main():
    with multiprocessing.Pool(2) as pool:
        print(pool.apply(work, (1,)))


if __name__ == "__main__":
    main()
