"""The worker is forked while nobody imports, and imports slowly itself."""
import os


def work():
    import slow
    import time
    time.sleep(3)
    print(slow.answer)


pid = os.fork()
if pid == 0:
    work()
    os._exit(0)
os.waitpid(pid, 0)
