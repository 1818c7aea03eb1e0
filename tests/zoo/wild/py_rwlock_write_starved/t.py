"""A writer waits for a reader that sleeps for ever with its read lock."""
import threading
import time


class RWLock:
    def __init__(self):
        self.lock = threading.Lock()
        self.free = threading.Condition(self.lock)
        self.readers = 0

    def acquire_read(self):
        with self.lock:
            self.readers += 1

    def release_read(self):
        with self.lock:
            self.readers -= 1
            self.free.notify_all()

    def acquire_write(self):
        with self.lock:
            while self.readers > 0:
                self.free.wait()


def report(lock):
    lock.acquire_read()
    time.sleep(100000)
    lock.release_read()


lock = RWLock()
threading.Thread(target=report, args=(lock,), daemon=True).start()
time.sleep(0.2)
lock.acquire_write()
print("written")
