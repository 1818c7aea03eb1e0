"""The question is still in our buffer while we wait for the answer."""
import subprocess


def ask(child, text):
    child.stdin.write(text + "\n")
    return child.stdout.readline()


child = subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
ask(child, "hello")
