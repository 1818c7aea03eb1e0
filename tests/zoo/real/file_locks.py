# Two processes take two file locks in opposite order.
import fcntl
import os
import time


def take(first, second):
    x = open(first, "w")
    fcntl.flock(x, fcntl.LOCK_EX)
    time.sleep(0.3)
    y = open(second, "w")
    fcntl.flock(y, fcntl.LOCK_EX)


if os.fork() == 0:
    take("left", "right")
    os._exit(0)
take("right", "left")
