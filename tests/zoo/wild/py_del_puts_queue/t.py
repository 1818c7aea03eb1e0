"""An object's __del__ puts into the queue whose mutex its thread holds."""
import queue

events = queue.Queue()


class Deferred:
    def __del__(self):
        events.put("lost")


def drain():
    d = Deferred()
    with events.mutex:
        d = None


drain()
