"""The worker is forked while another thread imports slowly; the lock of that module is never given back in the child."""
import os
import threading
import time


def import_slowly():
    import slow


def work():
    import slow
    print(slow.answer)


threading.Thread(target=import_slowly, daemon=True).start()
time.sleep(0.5)
pid = os.fork()
if pid == 0:
    work()
    os._exit(0)
os.waitpid(pid, 0)
