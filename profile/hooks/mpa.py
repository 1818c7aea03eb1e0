# SPDX-License-Identifier: Apache-2.0
# What a Molt Profile Artifact tells of this process: who calls whom with values of which types, what classes and containers
# look like, which effects and exceptions there were. Runs in the names of cprofile.py, whose counts and times it uses.
# Types are taken of the first calls alone (DETAILS), so that a program that does nothing but call is not slowed
# without end. No value of the program is kept or written: names, types, lengths, and hashes of texts.
import os
import sys
import time

DETAILS = 60000
SAMPLES = 16
ELEMENTS = 64
SITES_MAX = 20000
KEYS_MAX = 64
ident = object.__hash__  # id() is an event to audit hooks
GENERATOR = 0x20 | 0x80 | 0x200
with open(HERE + "/root") as f:  # noqa: F821
    ROOT = f.read()
QUIET = ("sys._getframe", "object.__getattr__", "object.__setattr__", "object.__delattr__", "compile", "exec", "code.__new__",
         "marshal.loads", "marshal.load", "sys.settrace", "sys.setprofile", "sys.unraisablehook", "sys.excepthook")


class Seen:
    def __init__(self):
        self.left = DETAILS
        self.codes = {}
        self.sites = {}
        self.live = {}
        self.types = {}
        self.containers = {}
        self.effects = {}
        self.events = {}
        self.bodies = {}
        self.raised = {}
        self.strings = set()
        self.began = time.time()
        self.inside = False
        self.main = (None, None)  # of __main__, which forgets its file at the end


seen = Seen()


def sha():
    had = set(sys.modules)
    try:
        from _sha256 import sha256
    except ImportError:
        try:
            from _sha2 import sha256
        except ImportError:
            from hashlib import sha256
    for m in ("_sha256", "_sha2"):
        if m not in had:
            sys.modules.pop(m, None)
    return sha256


SHA = sha()


def digest(data):
    return "sha256:" + SHA(data if isinstance(data, bytes) else data.encode("utf-8", "surrogateescape")).hexdigest()


def text_digest(text):
    seen.strings.add(text)
    return digest(text)


def own(path):
    if path.startswith("<"):
        return None
    path = os.path.abspath(path)
    if not path.startswith(ROOT + "/") or "/site-packages/" in path or "/lib/python" in path or path in MINE:  # noqa: F821
        return None
    return path[len(ROOT) + 1:]


def type_name(t):
    module, name = getattr(t, "__module__", None), getattr(t, "__qualname__", None) or "?"
    return name if module in ("builtins", None) or not isinstance(module, str) else module_name(module) + "." + name


def module_name(name):
    return main_name() if name == "__main__" else name


def main_name():
    spec, path = seen.main
    if spec is not None:
        return spec.name[:-9] if spec.name.endswith(".__main__") else spec.name
    return os.path.splitext(os.path.basename(path))[0] if path else "__main__"


class Code:  # one of the program's own
    __slots__ = ("code", "module", "name", "file", "samples", "fresh", "receiver")

    def __init__(self, frame, code, file):
        self.code = code
        self.module = frame.f_globals.get("__name__", "?")
        self.name = getattr(code, "co_qualname", code.co_name)
        self.file = file
        self.samples = 0
        self.fresh = code.co_code if code.co_flags & GENERATOR else None
        self.receiver = code.co_argcount > 0 and code.co_varnames[0] == "self"

    def symbol(self):
        return module_name(self.module) + ":" + self.name


class Site:
    __slots__ = ("caller", "at", "target", "count", "args", "returns", "raises")

    def __init__(self, caller, at, target):
        self.caller, self.at, self.target = caller, at, target
        self.count, self.args, self.returns, self.raises = 0, set(), set(), {}


def code_of(frame):
    code = frame.f_code
    rec = seen.codes.get(ident(code))
    if rec is None:
        file = own(code.co_filename)
        rec = (code, Code(frame, code, file) if file is not None else None)
        seen.codes[ident(code)] = rec
    return rec[1]


def container(key, value):
    t = type(value)
    if t not in (list, dict, tuple, set, frozenset):
        return
    c = seen.containers.get(key)
    if c is None:
        c = seen.containers[key] = {"kind": t.__name__, "keys": set(), "types": set(), "least": len(value), "most": 0, "count": 0}
    n = len(value)
    c["count"] += 1
    c["least"], c["most"] = min(c["least"], n), max(c["most"], n)
    if t is dict:
        for k in list(value)[:ELEMENTS]:
            if len(c["keys"]) < KEYS_MAX:
                c["keys"].add(text_digest(k) if isinstance(k, str) else digest(type_name(type(k)) + ":" + str(k))
                              if isinstance(k, (int, float, bool)) else digest(type_name(type(k))))
        value = list(value.values())
    i = 0
    for v in value:
        c["types"].add(type_name(type(v)))
        i += 1
        if i >= ELEMENTS:
            break


def instance(rec, obj):
    if not rec.receiver or isinstance(obj, type):
        return None
    d = getattr(obj, "__dict__", None)
    if type(d) is not dict:
        return None
    return {k: ident(v) for k, v in d.items()}


def class_of(obj):
    t = type(obj)
    c = seen.types.get(t)
    if c is None:
        c = seen.types[t] = {"attrs": {}, "mutated": set(), "count": 0}
    return c


def class_seen(rec, obj, before):
    d = getattr(obj, "__dict__", None)
    if type(d) is not dict:
        return
    c = class_of(obj)
    for k, v in list(d.items()):
        c["attrs"].setdefault(k, set()).add(type_name(type(v)))
        if rec.code.co_name != "__init__" and before.get(k) != ident(v):
            c["mutated"].add(k)


def details(rec, site, frame):
    names = rec.code.co_varnames[:rec.code.co_argcount + rec.code.co_kwonlyargcount]
    values = frame.f_locals
    args = [values.get(n) for n in names]
    site.args.add(tuple(type_name(type(v)) for v in args))
    symbol = rec.symbol()
    for n, v in zip(names, args):
        container(symbol + ":" + n, v)
    if rec.receiver and args:
        if "." not in rec.name and getattr(type(args[0]), rec.name, None) is not None:
            rec.name = type(args[0]).__qualname__ + "." + rec.name
        before = instance(rec, args[0])
        return (args[0], before) if before is not None else None
    return None


def is_resumed(rec, frame):
    if rec.fresh is None:
        return False
    at = frame.f_lasti
    return at > 0 and rec.fresh[at + 1] & 3 != 0 if sys.version_info >= (3, 11) else at >= 0


def tracer(frame, event, arg):
    if seen.left <= 0 or state.pid != os.getpid():  # noqa: F821
        sys.settrace(None)
        return None
    if event != "call":
        return None
    seen.left -= 1
    if frame.f_code.co_name == "<module>" and frame.f_globals.get("__name__") == "__main__":
        seen.main = (frame.f_globals.get("__spec__"), frame.f_globals.get("__file__"))
    rec = code_of(frame)
    if rec is None:
        return None
    try:
        frame.f_trace_lines = False
        if rec.code.co_name == "<module>":
            seen.live[frame] = [None, None, None, -1, rec, frame]
            return local
        if is_resumed(rec, frame):
            return None
        if rec.code.co_name == "__init__" and rec.receiver:
            class_of(frame.f_locals.get("self"))["count"] += 1
        back = frame.f_back
        key = (ident(back.f_code), back.f_lasti, ident(rec.code)) if back is not None else (0, 0, ident(rec.code))
        site = seen.sites.get(key)
        if site is None:
            if len(seen.sites) >= SITES_MAX:
                return None
            site = seen.sites[key] = Site(code_of(back) if back is not None else None, back and back.f_lasti, rec)
        site.count += 1
        keep = None
        if site.count <= SAMPLES:
            keep = details(rec, site, frame)
        seen.live[frame] = [site, keep, None, -1, rec, frame]
        return local
    except Exception:
        return None


def local(frame, event, arg):
    live = seen.live.get(frame)
    if live is None or live[5] is not frame:
        return None
    if event == "exception":
        live[2], live[3] = arg[0], frame.f_lasti
        return local
    if event != "return":
        return local
    del seen.live[frame]
    site, keep, raised, at, rec = live[:5]
    try:
        if site is None:
            seen.bodies[rec.module] = {k: ident(v) for k, v in frame.f_globals.items()}
        elif arg is None and raised is not None and at == frame.f_lasti:
            name = type_name(raised)
            site.raises[name] = site.raises.get(name, 0) + 1
            by = seen.raised.setdefault(rec.symbol(), {})
            by[name] = by.get(name, 0) + 1
        elif site.count <= SAMPLES and rec.fresh is None:
            site.returns.add(type_name(type(arg)))
            container(rec.symbol() + ":return", arg)
        if keep is not None:
            class_seen(rec, keep[0], keep[1])
    except Exception:
        pass
    return None


EFFECTS = {"open": None, "import": "import", "os.system": "process", "os.fork": "process", "os.forkpty": "process",
           "os.exec": "process", "os.posix_spawn": "process", "os.spawn": "process", "os.kill": "process", "os.putenv": "env",
           "os.unsetenv": "env", "os.listdir": "fs.read", "os.scandir": "fs.read", "time.sleep": "sleep",
           "builtins.input": "io.stdin", "_thread.start_new_thread": "thread", "ctypes.dlopen": "ffi"}


def effect_of(event, args):
    if event == "open":
        mode = args[1] if len(args) > 1 else None
        writes = any(c in mode for c in "wax+") if isinstance(mode, str) else bool(args[2] & 3) if len(args) > 2 and \
            isinstance(args[2], int) else False
        return "fs.write" if writes else "fs.read"
    if event in EFFECTS:
        return EFFECTS[event]
    head = event.split(".")[0]
    return {"os": "fs.write", "shutil": "fs.write", "tempfile": "fs.write", "socket": "net", "subprocess": "process",
            "sqlite3": "db", "urllib": "net", "ssl": "net"}.get(head, head)


def event_audit(event, args):
    if seen.inside or event in QUIET or state.busy or state.over:  # noqa: F821
        return
    seen.inside = True
    try:
        frame, depth = sys._getframe(1), 0
        while frame is not None and depth < 30:
            if "importlib" in frame.f_code.co_filename:
                return
            rec = code_of(frame)
            if rec is not None:
                seen.events[event] = seen.events.get(event, 0) + 1
                seen.effects.setdefault(rec.symbol(), set()).add(effect_of(event, args))
                return
            frame, depth = frame.f_back, depth + 1
    except Exception:
        pass
    finally:
        seen.inside = False


# ---- the end ----

def positions(code, at):
    line, col, end_line, end = code.co_firstlineno, 0, None, None
    if hasattr(code, "co_positions"):
        for i, p in enumerate(code.co_positions()):
            if i == at // 2:
                line, end_line, col, end = p[0] or line, p[1], p[2] or 0, p[3]
                break
    elif hasattr(code, "co_lines"):
        for a, b, n in code.co_lines():
            if a <= at < b and n:
                line = n
    else:
        addr = 0
        for a, d in zip(code.co_lnotab[::2], code.co_lnotab[1::2]):
            addr += a
            if addr > at:
                break
            line += d - 256 if d >= 128 else d
    return line, col, end if end_line == line else None


def source_lines(cache, file):
    if file not in cache:
        try:
            with open(ROOT + "/" + file, "rb") as f:
                data = f.read()
            cache[file] = (data, data.decode("utf-8", "replace").split("\n"))
        except OSError:
            cache[file] = (b"", [])
    return cache[file]


def edges():  # how often one code called another, exactly
    out = {}
    for p in list(state.profilers):  # noqa: F821
        for e in p.getstats():
            for sub in e.calls or ():
                if not isinstance(e.code, str) and not isinstance(sub.code, str):
                    key = (ident(e.code), ident(sub.code))
                    out[key] = out.get(key, 0) + sub.callcount
    return out


# Where details ended before the program did, the exact count of each pair is shared among its places as they were seen.
def site_counts():
    exact, sites, counts = edges(), {}, {}
    for key, s in list(seen.sites.items()):
        if s.caller is not None:
            sites.setdefault((key[0], key[2]), []).append(s)
    for pair, all_of in sites.items():
        have = sum(s.count for s in all_of)
        want = max(have, exact.get(pair, 0)) if seen.left <= 0 else have
        rest = want
        for s in all_of:
            counts[s] = s.count * want // have
            rest -= counts[s]
        counts[all_of[0]] += rest
    return counts


def sites_out(cache):
    out = {}
    for s, count in site_counts().items():
        line, col, end = positions(s.caller.code, s.at)
        lines = source_lines(cache, s.caller.file)[1]
        text = lines[line - 1] if 0 < line <= len(lines) else ""
        expr = text[col:end] if end else text.strip()
        key = digest("%s:%d:%d:%s" % (s.caller.file, line, col, expr))
        seen.strings.add(expr)
        row = out.setdefault(key, {"id": key, "file": s.caller.file, "line": line, "col": col, "caller": s.caller.symbol(),
                                   "targets": {}, "arg_types": set(), "ret_types": set(), "exceptions": {}})
        name = s.target.symbol()
        row["targets"][name] = row["targets"].get(name, 0) + count
        row["arg_types"] |= s.args
        row["ret_types"] |= s.returns
        for k, v in s.raises.items():
            row["exceptions"][k] = row["exceptions"].get(k, 0) + v
    rows = []
    for r in sorted(out.values(), key=lambda r: (r["file"], r["line"], r["col"], r["id"])):
        r["targets"] = [{"symbol": k, "count": r["targets"][k]} for k in sorted(r["targets"])]
        r["arg_types"] = [list(t) for t in sorted(r["arg_types"])]
        r["ret_types"] = sorted(r["ret_types"])
        rows.append(r)
    return rows


def counted():  # of every code: calls, total and own seconds
    sums = {}
    for p in list(state.profilers):  # noqa: F821
        for e in p.getstats():
            if not isinstance(e.code, str):
                old = sums.get(ident(e.code), (e.code, 0, 0.0, 0.0))
                sums[ident(e.code)] = (e.code, old[1] + e.callcount, old[2] + e.totaltime, old[3] + e.inlinetime)
    return sums


def module_of_code(code, by_file):
    rec = seen.codes.get(ident(code))
    if rec is not None and rec[1] is not None:
        return rec[1]
    file = own(code.co_filename)
    if file is None:
        return None

    class Frame:
        f_globals = {"__name__": by_file.get(file, os.path.splitext(file)[0].replace("/", "."))}
    rec = Code(Frame, code, file)
    seen.codes[ident(code)] = (code, rec)
    return rec


def symbols_out(sums, by_file):
    symbols, hot = {}, []
    for code, calls, total, self_s in list(sums.values()):
        rec = module_of_code(code, by_file)
        if rec is None:
            continue
        name = rec.symbol()
        row = symbols.setdefault(name, {"file": rec.file, "line": code.co_firstlineno, "code_hash": digest(code.co_code),
                                        "calls": 0, "effects": sorted(seen.effects.get(name, ())),
                                        "exceptions": seen.raised.get(name, {})})
        row["calls"] += calls
        hot.append((rec, calls, total, self_s))
    return symbols, hot


def compiled_name(name):
    return "molt_user_main" if name == "main" else name


def hot_out(hot):
    rows, merged = [], {}
    for rec, calls, total, self_s in hot:
        key = (module_name(rec.module), rec.name)
        old = merged.get(key, (0, 0.0, 0.0))
        merged[key] = (old[0] + calls, old[1] + total, old[2] + self_s)
    for rank, (key, v) in enumerate(sorted(merged.items(), key=lambda kv: (-kv[1][2], kv[0])), 1):
        module, name = key
        row = {"symbol": module + "." + name, "rank": rank, "count": v[0], "time_ms": round(v[1] * 1e3, 3),
               "self_ms": round(v[2] * 1e3, 3), "alloc_bytes": None}
        rows.append(row)
        if "." in name or "<" in name:
            continue
        plain = "".join(c if c.isalnum() else "_" for c in module) + "__" + compiled_name(name)
        for alias in (plain, module + "." + plain):
            rows.append(dict(row, symbol=alias, alias_of=row["symbol"]))
    return rows


def stores(code):  # names of globals that it sets
    try:
        had = set(sys.modules)
        from opcode import opmap
        for m in ("opcode", "_opcode", "_opcode_metadata"):
            if m not in had:
                sys.modules.pop(m, None)
    except Exception:
        return set()
    op, raw, out, more = opmap.get("STORE_GLOBAL"), code.co_code, set(), 0
    wide = opmap.get("EXTENDED_ARG")
    for i in range(0, len(raw) - 1, 2):
        n = more << 8 | raw[i + 1]
        more = n if raw[i] == wide else 0
        if raw[i] == op and n < len(code.co_names):
            out.add(code.co_names[n])
    return out


def modules_out(sums):
    out, by_file, calls = {}, {}, {}
    for name, m in sorted(sys.modules.items()):
        spec, path = getattr(m, "__spec__", None), getattr(m, "__file__", None)
        if name == "sitecustomize" or not isinstance(name, str):
            continue
        file = own(path) if isinstance(path, str) else None
        kind = "py" if isinstance(path, str) and path.endswith((".py", ".pyc")) or name == "__main__" else \
            "extension" if isinstance(path, str) else "builtin"
        if spec is not None and getattr(spec, "origin", None) in ("built-in", "frozen"):
            kind = "builtin"
        out[module_name(name)] = {"kind": kind, "file": file, "mutations": []}
        if file is not None:
            by_file[file] = name
    for code, n, _, _ in list(sums.values()):
        rec = seen.codes.get(ident(code), (None, None))[1]
        if rec is not None and code.co_name != "<module>":
            for g in stores(code):
                calls[rec.module, g] = calls.get((rec.module, g), 0) + n
    for name, before in seen.bodies.items():
        m = sys.modules.get(name)
        row = out.get(module_name(name))
        if m is None or row is None:
            continue
        for k in sorted(vars(m)):
            if not k.startswith("__") and before.get(k) != ident(vars(m)[k]) or (name, k) in calls:
                row["mutations"].append({"attr": k, "count": calls.get((name, k), 1)})
    return out, by_file


def entry():
    spec, path = seen.main
    if spec is not None:
        return main_name() + ":__main__"
    if isinstance(path, str):
        file = own(path)
        return file if file is not None else os.path.basename(path)
    return "__main__:__main__"


def inputs(cache, modules):
    data = b""
    for file in sorted({m["file"] for m in modules.values() if m["file"]} | set(cache)):
        data += file.encode("utf-8", "surrogateescape") + b"\0" + SHA(source_lines(cache, file)[0]).hexdigest().encode() + b"\n"
    return digest(data)


def dump(v):
    if v is None:
        return "null"
    if v is True or v is False:
        return "true" if v else "false"
    if isinstance(v, (int, float)):
        return repr(v)
    if isinstance(v, str):
        out = '"'
        for c in v:
            out += "\\" + c if c in '"\\' else c if " " <= c < "\x7f" else "\\u%04x" % ord(c) if ord(c) < 65536 else "?"
        return out + '"'
    if isinstance(v, dict):
        return "{" + ",".join(dump(str(k)) + ":" + dump(v[k]) for k in sorted(v, key=str)) + "}"
    return "[" + ",".join(dump(x) for x in v) + "]"


def containers_out():
    out = {}
    for k, c in list(seen.containers.items()):
        types = sorted(c["types"])
        out[k] = {"kind": c["kind"], "keys": sorted(c["keys"]), "elem_types": types, "homogeneous": len(types) <= 1,
                  "len_min": c["least"], "len_max": c["most"], "count": c["count"]}
    return out


def document():
    cache = {}
    sums = counted()
    modules, by_file = modules_out(sums)
    symbols, hot = symbols_out(sums, by_file)
    modules, by_file = modules_out(sums)
    sites = sites_out(cache)
    types = {}
    for t, c in list(seen.types.items()):
        if t.__module__ not in ("builtins",) and (t.__module__ in seen.bodies or t.__module__ == "__main__"):
            types[type_name(t)] = {"attrs": {k: sorted(v) for k, v in c["attrs"].items()}, "mutated": sorted(c["mutated"]),
                                   "count": c["count"]}
    return {"entrypoint": entry(), "duration_ms": round((time.time() - seen.began) * 1e3, 3),
            "python_implementation": "CPython", "python_version": "%d.%d.%d" % sys.version_info[:3],
            "inputs_fingerprint": inputs(cache, modules), "modules": modules, "symbols": symbols, "call_sites": sites,
            "types": types, "containers": containers_out(), "hotspots": hot_out(hot),
            "events": [{"kind": effect_of(k, ()) if k != "open" else "fs", "name": k, "count": seen.events[k]}
                       for k in sorted(seen.events)],
            "strings_hashed": len(seen.strings), "details_left_count": max(seen.left, 0)}


def mpa_write():
    if not state.profilers:  # noqa: F821
        return
    try:
        text = dump(document()).encode()
        tmp = "%s/.mpa-%d.tmp" % (OUT, state.pid)  # noqa: F821
        fd = os.open(tmp, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | getattr(os, "O_CLOEXEC", 0), 0o600)
        try:
            while text:
                text = text[os.write(fd, text):]
        finally:
            os.close(fd)
        os.rename(tmp, "%s/mpa-%d.json" % (OUT, state.pid))  # noqa: F821
    except Exception as e:
        with open("%s/mpa-%d.failed" % (OUT, state.pid), "w") as f:  # noqa: F821
            f.write(type(e).__name__)
            if os.environ.get("SPEC_RUNNER_MPA_DEBUG"):
                import traceback
                traceback.print_exc(file=f)


def mpa_begin():
    import threading
    threading.settrace(tracer)
    sys.settrace(tracer)


def mpa_child():
    global seen
    main = seen.main
    seen = Seen()
    seen.main = main
    if not state.over:  # noqa: F821
        mpa_begin()


MORE.append(mpa_write)  # noqa: F821
os.register_at_fork(after_in_child=mpa_child)
sys.addaudithook(event_audit)
mpa_begin()
