"""A reader-writer lock made of a condition: a reader fails and never says that it has read; the writer waits."""
import threading


class RWLock:
    def __init__(self):
        self.changed = threading.Condition()
        self.readers = 0

    def read(self, table):
        with self.changed:
            self.readers += 1
        value = table["missing"]
        with self.changed:
            self.readers -= 1
            self.changed.notify_all()
        return value

    def write(self, table, value):
        with self.changed:
            while self.readers:
                self.changed.wait()
            table["x"] = value


lock = RWLock()
table = {}
try:
    lock.read(table)
except KeyError:
    pass
lock.write(table, 1)
