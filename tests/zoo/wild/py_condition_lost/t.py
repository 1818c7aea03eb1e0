"""The producer notifies before anybody waits."""
import threading

ready = threading.Condition()


def consume():
    with ready:
        ready.notify_all()
    with ready:
        ready.wait()


consume()
