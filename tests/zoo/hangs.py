#!/usr/bin/python3
"""hangs.py - the classic deadlock: waits for a child whose full pipe nobody reads."""
import subprocess

child = subprocess.Popen(
    ["/usr/bin/python3", "-c", "print('x' * 10000000)"], stdout=subprocess.PIPE
)
print("waiting", flush=True)
try:
    child.wait(timeout=50)
except subprocess.TimeoutExpired:
    child.kill()
