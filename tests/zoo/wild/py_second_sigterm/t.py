"""A second signal comes while the first one's handler has the lock."""
import os
import signal
import threading

lock = threading.Lock()


def halt(signum, frame):
    with lock:
        os.kill(os.getpid(), signal.SIGUSR1)
        for _ in range(1000):
            pass


signal.signal(signal.SIGUSR1, halt)
os.kill(os.getpid(), signal.SIGUSR1)
