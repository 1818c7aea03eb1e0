"""A test leaves a process and the thread that reads its errors; the interpreter waits for the thread."""
import subprocess
import threading


def read_errors(stream):
    for line in stream:
        print(line)


def start():
    p = subprocess.Popen(["sleep", "600"], stderr=subprocess.PIPE)
    threading.Thread(target=read_errors, args=[p.stderr]).start()


def test_starts():
    start()
