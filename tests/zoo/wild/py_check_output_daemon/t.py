"""A start script puts a daemon into the background, which has inherited the pipe of check_output."""
import subprocess


def start():
    return subprocess.check_output(["sh", "-c", "sleep 300 & echo started"])


start()
