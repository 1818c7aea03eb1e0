"""Without a guard: the child that is spawned imports this file, and with it waits for what only the parent has."""
import multiprocessing as mp
import os
import time


def work():
    pass


while __name__ == "__mp_main__" and not os.path.exists("go"):
    time.sleep(0.1)
if __name__ == "__main__":
    p = mp.get_context("spawn").Process(target=work)
    p.start()
    p.join()
    open("go", "w").close()
