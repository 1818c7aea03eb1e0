"""One party of the barrier dies before it arrives."""
import threading

gate = threading.Barrier(3)


def party(n):
    if n == 1:
        raise RuntimeError("no seat")
    gate.wait()


threads = [threading.Thread(target=party, args=(n,)) for n in range(3)]
for t in threads:
    t.start()
for t in threads:
    t.join()
