"""A lock that is a file: who made it was killed, the file has stayed."""
import filelock


def publish():
    with filelock.SoftFileLock("out.lock"):
        print("published")


open("out.lock", "w").close()
publish()
