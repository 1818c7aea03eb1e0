"""A signal comes while the lock of the log is held, and its handler writes to the log."""
import signal
import threading
import time

lock = threading.Lock()


def on_alarm(number, frame):
    with lock:
        print("alarm")


signal.signal(signal.SIGALRM, on_alarm)
signal.setitimer(signal.ITIMER_REAL, 0.2)
with lock:
    time.sleep(1)
