"""The child reads to the end of its input, which its parent keeps open while it waits for the child."""
import subprocess


def total(lines):
    child = subprocess.Popen(["sort"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
    child.stdin.write("\n".join(lines))
    child.stdin.flush()
    return child.wait()


total(["b", "a"])
