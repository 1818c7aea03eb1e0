"""The parent joins the child before it takes what the child has put into the queue."""
import multiprocessing as mp


def child(q):
    q.put("x" * 400000)


def main():
    q = mp.get_context("fork").Queue()
    p = mp.get_context("fork").Process(target=child, args=(q,))
    p.start()
    p.join()
    print(len(q.get()))


main()
