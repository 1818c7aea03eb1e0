# SPDX-License-Identifier: Apache-2.0
# Exact call counts of this process: _lsprof in every thread, written as pstats reads it at exit, at os._exit, before an
# exec, and every two seconds. Nothing of the program's own is changed but os._exit.
import atexit
import marshal
import os
import sys
import time
import _thread

OUT = HERE.rsplit("/", 1)[0]  # noqa: F821  raw/RUN_ID
MINE = (HERE + "/cprofile.py", HERE + "/sitecustomize.py")  # noqa: F821
SINCE_312 = sys.version_info >= (3, 12)
EVERY_S = 2.0
MINE += (HERE + "/mpa.py",)  # noqa: F821
PSTATS = os.path.exists(HERE + "/pstats")  # noqa: F821
MORE = []  # what else is written whenever counts are

import _lsprof  # noqa: E402

Profiler = _lsprof.Profiler
del sys.modules["_lsprof"]  # so that the program's own import of it is seen
del _lsprof


class State:
    def __init__(self):
        self.begin()

    def begin(self):
        self.pid = os.getpid()
        self.path = "%s/cprofile-%d.pstats" % (OUT, self.pid)
        self.profilers = []
        self.base = {}
        self.over = False
        self.final = None
        self.busy = False
        self.written = time.monotonic()
        self.beat = None


state = State()


def label(code):
    if isinstance(code, str):
        return ("~", 0, code)
    return (code.co_filename, code.co_firstlineno, code.co_name)


def is_mine(code):
    return not isinstance(code, str) and code.co_filename in MINE


def add(into, key, cc, nc, tt, ct):
    old = into.get(key)
    if old is None:
        into[key] = (cc, nc, tt, ct)
    else:
        into[key] = (old[0] + cc, old[1] + nc, old[2] + tt, old[3] + ct)


def collect():
    sums, callers = {}, {}
    for f, v in state.base.items():
        add(sums, f, *v[:4])
        for c, w in v[4].items():
            add(callers.setdefault(f, {}), c, *w)
    for p in list(state.profilers):
        for e in p.getstats():
            if is_mine(e.code):  # what it calls is ours, too; where all threads share one stack, it may be somebody else's
                for sub in e.calls or ():
                    if not SINCE_312 and isinstance(sub.code, str):
                        add(sums, label(sub.code), sub.reccallcount - sub.callcount, -sub.callcount, -sub.inlinetime,
                            -sub.totaltime)
                continue
            key = label(e.code)
            add(sums, key, e.callcount - e.reccallcount, e.callcount, e.inlinetime, e.totaltime)
            for sub in e.calls or ():
                if not is_mine(sub.code):
                    add(callers.setdefault(label(sub.code), {}), key, sub.callcount - sub.reccallcount,
                        sub.callcount, sub.inlinetime, sub.totaltime)
    return {f: v + (callers.get(f, {}),) for f, v in sums.items() if v[1] > 0}


def open_calls(stats):
    for frame in sys._current_frames().values():
        seen = set()
        chain = []
        while frame is not None:
            chain.append(frame.f_code)
            frame = frame.f_back
        for code in reversed(chain):
            if is_mine(code):
                continue
            key = label(code)
            cc, nc, tt, ct, callers = stats.get(key, (0, 0, 0.0, 0.0, {}))
            stats[key] = (cc + (key not in seen), nc + 1, tt, ct, callers)
            seen.add(key)
    return stats


def write():
    if state.busy or not (state.profilers or state.base):
        return
    state.busy = True
    try:
        for more in MORE:
            more()
        state.written = time.monotonic()
        if not PSTATS:
            return
        data = marshal.dumps(state.final or collect())
        tmp = "%s/.cprofile-%d.tmp" % (OUT, state.pid)
        fd = os.open(tmp, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | getattr(os, "O_CLOEXEC", 0), 0o600)
        try:
            while data:
                data = data[os.write(fd, data):]
        finally:
            os.close(fd)
        os.rename(tmp, state.path)
        state.written = time.monotonic()
    except Exception:
        pass
    finally:
        state.busy = False


def missed(reason):
    try:
        fd = os.open("%s/cprofile-%d.missed" % (OUT, state.pid), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        os.write(fd, reason.encode())
        os.close(fd)
    except Exception:
        pass


def stop():
    if state.over or state.pid != os.getpid():
        return
    state.over = True
    if MORE:
        sys.settrace(None)
    if SINCE_312:
        before_fork()
        # Its stack of calls may be of another thread; its counts of what has ended are right. So what is still open is
        # counted here, before it is told to end and would count whatever it holds.
        state.final = open_calls(collect())
    if state.profilers:
        try:
            state.profilers[0].disable()
        except Exception:
            pass
    for _ in range(400):  # our own thread may be at it, with what was counted until then
        if not state.busy:
            break
        time.sleep(0.0025)
    write()


def profile_thread(frame, event, arg):
    p = Profiler()
    state.profilers.append(p)
    p.enable()


def beats(lock, ready):
    ready.release()
    while state.beat is lock:
        if lock.acquire(timeout=EVERY_S):
            break
        if state.beat is lock and not state.over and state.pid == os.getpid():
            write()
    try:
        lock.release()
    except RuntimeError:
        pass


def beat_start():
    lock, ready = _thread.allocate_lock(), _thread.allocate_lock()
    lock.acquire()
    ready.acquire()
    state.beat = lock
    try:
        _thread.start_new_thread(beats, (lock, ready))
    except RuntimeError:
        state.beat = None
        return
    if SINCE_312:  # it waits, and is on the stack of calls below all that the program does
        ready.acquire(timeout=0.1)


def threads_now():
    try:
        return len(os.listdir("/proc/self/task"))
    except OSError:
        return 1


# A fork warns (3.12 and later) where the process has another thread: ours is not there then.
def before_fork():
    lock, state.beat = state.beat, None
    if lock is None:
        return
    had = threads_now()
    lock.release()
    for _ in range(100):
        if threads_now() < had:
            break
        time.sleep(0.0005)


def after_in_child():
    for p in state.profilers[:1]:
        try:
            p.disable()
        except Exception:
            pass
    over = state.over
    state.begin()
    state.over = over
    if not over:
        start()


def start():
    p = Profiler()
    state.profilers.append(p)
    if not SINCE_312:
        beat_start()  # else with the program: see audit()
    p.enable()


def audit(event, args):
    if state.busy or state.over:
        return
    if event == "os.exec":
        stop()
    elif event == "import" and args and args[0] in ("_lsprof", "cProfile"):
        missed("it uses cProfile itself: what was counted until then is kept")
        stop()
    elif state.beat is None and event != "os.fork" and (not SINCE_312 or event.startswith("cpython.run_")):
        # From 3.12 on one profiler sees all threads, ours too, and has one stack for all of them. What was called before
        # it began must have ended before another thread is there, or it takes that one's calls for its own.
        beat_start()
    elif time.monotonic() - state.written > EVERY_S:
        write()


def wrap_exit(real):
    def _exit(status):
        stop()
        real(status)

    _exit.__doc__ = real.__doc__
    _exit.__module__ = real.__module__
    _exit.__qualname__ = real.__name__
    return _exit


try:  # an exec keeps the pid: what was before it counts, too
    with open(state.path, "rb") as f:
        state.base = marshal.load(f)
except Exception:
    pass
os._exit = wrap_exit(os._exit)
atexit.register(stop)
os.register_at_fork(before=before_fork, after_in_child=after_in_child)
sys.addaudithook(audit)
if not SINCE_312:
    import threading

    threading.setprofile(profile_thread)
start()
