"""The log goes to a pipe whose reader comes later, in the same thread."""
import logging
import os

r, w = os.pipe()
log = logging.getLogger("job")
log.addHandler(logging.StreamHandler(os.fdopen(w, "w")))


def run():
    for n in range(3000):
        log.error("step %d of the job went wrong in an unusual way", n)


run()
print(len(os.read(r, 1 << 20)))
