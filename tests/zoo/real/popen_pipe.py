# The parent waits for its child to exit; the child waits for room in a pipe that nobody reads.
import subprocess

p = subprocess.Popen(["yes"], stdout=subprocess.PIPE)
p.wait()
