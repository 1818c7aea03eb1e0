"""The child dies before it says that it is ready."""
import multiprocessing


def serve(ready):
    raise SystemExit(int("7"))


def main():
    ready = multiprocessing.Event()
    multiprocessing.Process(target=serve, args=(ready,)).start()
    ready.wait()


if __name__ == "__main__":
    main()
