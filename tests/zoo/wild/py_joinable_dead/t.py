"""The worker dies of a bad job; the queue's join waits for a task_done that nobody calls."""
import multiprocessing


def work(jobs):
    while True:
        if jobs.get() == 3:
            raise SystemExit(1)
        jobs.task_done()


def run():
    jobs = multiprocessing.JoinableQueue()
    p = multiprocessing.Process(target=work, args=(jobs,), daemon=True)
    p.start()
    for n in range(6):
        jobs.put(n)
    jobs.join()


if __name__ == "__main__":
    run()
