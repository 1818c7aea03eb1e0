"""A flush at exit waits for a queue whose worker died of an exception."""
import atexit
import queue
import threading

events = queue.Queue()
threading.excepthook = lambda a: None


def send():
    while True:
        e = events.get()
        print(e["name"])
        events.task_done()


@atexit.register
def flush():
    events.join()


threading.Thread(target=send, daemon=True).start()
events.put({})
events.put({"name": "done"})
