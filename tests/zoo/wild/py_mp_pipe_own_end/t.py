"""The child reads to the end of a pipe whose other end it has inherited."""
import multiprocessing


def worker(conn):
    while True:
        try:
            conn.recv()
        except EOFError:
            return


if __name__ == "__main__":
    ours, theirs = multiprocessing.Pipe()
    child = multiprocessing.get_context("fork").Process(target=worker, args=(theirs,))
    child.start()
    ours.send("work")
    ours.close()
    child.join()
