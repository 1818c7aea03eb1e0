"""A child that outlives its purpose has inherited the locked file."""
import fcntl
import subprocess


def take(path):
    f = open(path)
    # the one who locked it has closed it
    fcntl.flock(f, fcntl.LOCK_EX)


with open("lock", "w") as h:
    fcntl.flock(h, fcntl.LOCK_EX)
    subprocess.Popen(["sleep", "300"], pass_fds=[h.fileno()])
take("lock")
