"""A thread takes the lock and ends without giving it back."""
import threading

lock = threading.Lock()


def begin():
    lock.acquire()


def save():
    with lock:
        pass


t = threading.Thread(target=begin)
t.start()
t.join()
save()
