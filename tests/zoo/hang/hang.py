# hang.py - hangs in Python.
import os, queue, select, signal, socket, subprocess, sys, threading, time
a, b = threading.Lock(), threading.Lock()
r = threading.RLock()
signal.alarm(60)


def abba(first, second):
    with first:
        time.sleep(0.1)
        with second:  # AT py_abba HELD py_abba
            pass


def py_abba():
    t = threading.Thread(target=abba, args=(a, b))
    t.start()
    abba(b, a)


def rlock_waiter():
    with r:  # AT py_rlock
        pass


def py_rlock():
    r.acquire()
    threading.Thread(target=rlock_waiter).start()
    time.sleep(60)  # HELD py_rlock


def py_event():
    threading.Event().wait()  # AT py_event


def py_queue():
    queue.Queue().get()  # AT py_queue


def sleeper():
    time.sleep(60)  # HELD py_join AT py_exit HELD py_join_c


def py_join():
    t = threading.Thread(target=sleeper)
    t.start()
    t.join()  # AT py_join


def py_exit():
    threading.Thread(target=sleeper).start()


def py_child():
    subprocess.call([sys.executable, "-c", "import time; time.sleep(60)"])  # AT py_child


def py_communicate():
    subprocess.run(["sleep", "60"], stdout=subprocess.PIPE)  # AT py_communicate


def py_accept():
    s = socket.socket()
    s.bind(("127.0.0.1", 0))
    s.listen(1)
    s.accept()  # AT py_accept


def py_input():
    input()  # AT py_input


def py_sleep():
    time.sleep(60)  # AT py_sleep


def py_select():
    x, y = os.pipe()
    select.select([x], [], [])  # AT py_select


def py_spin():
    n = 0
    while True:  # AT py_spin
        n += 1  # AT py_spin


def py_gil():
    import re
    threading.Thread(target=sleep_often, daemon=True).start()
    re.match(r"(a*)*b", "a" * 40)  # HELD py_gil


def sleep_often():
    while True:
        time.sleep(0.001)  # AT py_gil


if __name__ == "__main__":
    globals()[sys.argv[1]]()
