"""A worker of the pool kills itself, as the kernel does when memory runs out; map waits for its part."""
import multiprocessing
import os


def part(n):
    os.kill(os.getpid(), 9)


def main():
    with multiprocessing.get_context("fork").Pool(1) as pool:
        print(pool.map(part, [1]))


if __name__ == "__main__":
    main()
