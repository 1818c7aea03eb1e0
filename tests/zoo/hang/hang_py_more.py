# hang_py_more.py - hangs in Python's own machinery: event loops, pools, imports, forks, interpreters.
import asyncio, concurrent.futures, multiprocessing, os, signal, sys, tempfile, threading, time

signal.alarm(60)


async def never_set():
    await asyncio.Event().wait()


async def two_tasks():
    await asyncio.gather(asyncio.create_task(never_set(), name="stuck"))


def task():
    asyncio.run(two_tasks())  # AT task


def mp_queue():
    multiprocessing.Queue().get()  # AT mp_queue


def sleeps():
    time.sleep(60)  # LEAF mp_pool


def mp_pool():
    multiprocessing.get_context("fork").Pool(1).apply(sleeps)  # AT mp_pool


pool = concurrent.futures.ThreadPoolExecutor(1)


def outer():
    return pool.submit(time.sleep, 0).result()  # HELD futures_deadlock


def futures_deadlock():
    pool.submit(outer).result()  # AT futures_deadlock


def import_lock():
    with tempfile.TemporaryDirectory() as folder:
        with open(os.path.join(folder, "zoo_module.py"), "w") as f:
            f.write("import threading\n"
                    "def again():\n"
                    "    import zoo_module\n"
                    "t = threading.Thread(target=again, daemon=True)\n"
                    "t.start()\n"
                    "t.join()\n")
        sys.path.insert(0, folder)
        sys.dont_write_bytecode = True
        import zoo_module  # AT import_lock


shared = threading.RLock()


def holds_shared():
    with shared:
        time.sleep(60)


def fork_lock():
    threading.Thread(target=holds_shared, daemon=True).start()
    time.sleep(0.1)
    if os.fork() == 0:
        shared.acquire()  # AT fork_lock
    os.wait()


def barrier():
    threading.Barrier(3).wait()  # AT barrier


def semaphore():
    threading.Semaphore(0).acquire()  # AT semaphore


def yields():
    yield 1
    time.sleep(60)  # AT generator


def generator():
    list(x for x in yields())


def subinterpreter():
    code = "import time\ntime.sleep(60)\n"
    try:
        import _interpreters as interpreters
    except ImportError:
        import _xxsubinterpreters as interpreters
    interpreters.run_string(interpreters.create(), code)  # AT subinterpreter


def executed():
    exec(compile("import time\ndef made():\n    time.sleep(60)\nmade()\n", "<made>", "exec"))  # AT executed


if __name__ == "__main__":
    globals()[sys.argv[1]]()
