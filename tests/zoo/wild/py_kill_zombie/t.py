"""Waits until a child is gone by asking for its number, and never reaps it."""
import os
import signal
import subprocess
import time


def stop(child):
    child.send_signal(signal.SIGTERM)
    while True:
        try:
            os.kill(child.pid, 0)
            time.sleep(0.1)
        except ProcessLookupError:
            return


stop(subprocess.Popen(["sleep", "100"]))
