"""A child has ended well and is not asked for yet; the wait is for an event."""
import subprocess
import threading

note = subprocess.Popen(["true"])


def wait_ready():
    threading.Event().wait()


wait_ready()
