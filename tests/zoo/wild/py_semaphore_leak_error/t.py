"""Each failed call keeps its slot: after two of them the third waits."""
import threading

slots = threading.BoundedSemaphore(2)


def request(n):
    if n < 2:
        raise ConnectionError(n)
    return n


def call(n):
    # released by who got an answer

    slots.acquire()
    answer = request(n)
    slots.release()
    return answer


for n in range(3):
    try:
        print(call(n))
    except ConnectionError:
        print("failed", n, flush=True)
