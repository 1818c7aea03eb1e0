"""Asks a command for ever whether the service is ready; it never is."""
import subprocess
import time


def is_ready():
    return subprocess.run(["sh", "-c", "test -e ready"]).returncode == 0


def wait_for_port():
    while not is_ready():
        # quietly
        #
        time.sleep(0.2)


wait_for_port()
