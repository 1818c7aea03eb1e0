"""A heartbeat in a thread that is no daemon; nobody tells it to stop."""
import threading

stop = threading.Event()


def beat():
    while not stop.wait(0.5):
        pass


threading.Thread(target=beat, name="heartbeat").start()
print("all done")
