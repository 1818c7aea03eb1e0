"""The child's answer is in the child's buffer, and the child waits for the next question."""
import subprocess
import sys


def ask(child, text):
    child.stdin.write(text + "\n")
    child.stdin.flush()
    return child.stdout.readline()


child = subprocess.Popen([sys.executable, "echo.py"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
ask(child, "hello")
