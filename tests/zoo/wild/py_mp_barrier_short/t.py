"""Two workers meet at a barrier of three."""
import multiprocessing


def part(meet):
    meet.wait()


if __name__ == "__main__":
    meet = multiprocessing.Barrier(3)
    ps = [multiprocessing.Process(target=part, args=(meet,)) for _ in range(2)]
    for p in ps:
        p.start()
    for p in ps:
        p.join()
