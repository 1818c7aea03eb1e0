#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""How many of the calls that really happen in Python's own library the audit's call graph has.

    tests/bench/audit_library.py [-v]    copies the library's modules that the work below imports, runs the work on the
                                         copy, audits the copy and prints the recall; -v: some of the calls that it misses

A call counts when caller and callee are functions of the copy. Needs Python 3.11 or later."""
import json
import os
import random
import re
import shutil
import subprocess
import sys
import sysconfig
import tempfile

here = os.path.dirname(os.path.abspath(__file__))
audit = os.environ.get('SPEC_RUNNER', os.path.join(here, '../../spec-runner'))
MODULES = '''_collections_abc _weakrefset abc argparse ast asyncio base64 bisect calendar cmd codecs collections concurrent
configparser contextlib copy csv dataclasses difflib dis email enum fractions functools getopt gettext glob heapq html http
importlib inspect io ipaddress json linecache logging mimetypes opcode optparse pathlib pickle pickletools platform plistlib
pprint queue quopri random re reprlib sched selectors shlex shutil smtplib socket socketserver sre_parse stat statistics
string stringprep subprocess tarfile tempfile textwrap threading timeit token tokenize traceback types typing unittest urllib
uuid warnings weakref xml xmlrpc zipfile'''.split()


def arguments():
    import argparse
    p = argparse.ArgumentParser()
    p.add_argument('--x', type=int, default=3, help='an x')
    p.add_argument('y', nargs='*')
    s = p.add_subparsers() if False else None
    g = p.add_mutually_exclusive_group()
    g.add_argument('-a', action='store_true')
    p.parse_args(['--x', '4', 'b', 'c'])
    p.format_help()


def json_texts():
    import json
    json.loads(json.dumps({'a': [1, 2, {'b': None}]}, indent=2))
    json.JSONEncoder().encode([1])
    import json.decoder
    json.decoder.JSONDecoder(strict=False).decode('[1]')
    import io
    json.dump([1], io.StringIO())
    json.load(io.StringIO('{}'))


def configuration():
    import configparser, io
    c = configparser.ConfigParser()
    c.read_string('[a]\nb=1\nc=%(b)s\n')
    c.get('a', 'c')
    c.getint('a', 'b')
    c.write(io.StringIO())
    c['z'] = {'q': '1'}
    list(c.items('a'))


def log():
    import logging, io
    l = logging.getLogger('a.b')
    h = logging.StreamHandler(io.StringIO())
    h.setFormatter(logging.Formatter('%(asctime)s %(message)s'))
    l.addHandler(h)
    l.warning('x %s', 1)
    l.setLevel('DEBUG')
    l.debug('y')
    try:
        1 / 0
    except Exception:
        l.exception('bad')
    logging.shutdown()


def mail():
    import email.message, email.policy, email
    m = email.message.EmailMessage()
    m['Subject'] = 'hé'
    m['To'] = 'a@b.c, d@e.f'
    m.set_content('hello')
    m.add_attachment(b'1', maintype='a', subtype='b')
    s = m.as_bytes()
    email.message_from_bytes(s, policy=email.policy.default)['To'].addresses
    email.message_from_string('A: b\n\nc').as_string()


def texts():
    import textwrap, difflib, pprint, shlex, string
    textwrap.fill('a b c ' * 40, 20)
    textwrap.dedent(' a\n b')
    list(difflib.unified_diff(['a\n', 'b\n'], ['a\n', 'c\n']))
    difflib.get_close_matches('appel', ['ape', 'apple'])
    pprint.pformat({'a': list(range(50)), 'b': {'c': (1, 2)}})
    shlex.split('a "b c"')
    string.Template('$a').substitute(a=1)
    string.Formatter().format('{0!r:>{w}}', 1, w=5)


def sources():
    import tokenize, io, ast, inspect, dis
    list(tokenize.generate_tokens(io.StringIO('a = f(1)\n').readline))
    ast.unparse(ast.parse('def f(a,*b,c=1)->int:\n  return [x for x in a if x]\nclass A(B): pass'))
    ast.literal_eval('[1,{2:3}]')
    inspect.signature(arguments)
    inspect.getsource(arguments)
    dis.dis(arguments, file=io.StringIO())
    ast.dump(ast.parse('a+b'))


def files():
    import tempfile, zipfile, tarfile, shutil, pathlib, os, io
    d = tempfile.mkdtemp()
    p = pathlib.Path(d) / 'a.txt'
    p.write_text('x')
    z = zipfile.ZipFile(d + '/z.zip', 'w')
    z.write(p, 'a.txt')
    z.writestr('b', 'c')
    z.close()
    zipfile.ZipFile(d + '/z.zip').extractall(d + '/q')
    t = tarfile.open(d + '/t.tgz', 'w:gz')
    t.add(p, 'a.txt')
    t.close()
    tarfile.open(d + '/t.tgz').getmembers()
    shutil.copytree(d + '/q', d + '/r')
    list(pathlib.Path(d).rglob('*'))
    p.with_suffix('.b').name
    shutil.make_archive(d + '/m', 'zip', d + '/q')
    shutil.rmtree(d)
    with tempfile.NamedTemporaryFile() as f:
        f.write(b'1')
    with tempfile.TemporaryDirectory() as x:
        pass


def web_texts():
    import urllib.parse as u, urllib.request as r
    u.urlparse('http://a/b?c=d#e')
    u.urlencode({'a': [1, 2]}, True)
    u.urljoin('http://a/b/c', '../d')
    u.quote('é/')
    u.parse_qs('a=1&b=2')
    q = r.Request('http://x/', data=b'1')
    q.get_method()
    import http.cookies as c, http.server, html, html.parser
    k = c.SimpleCookie('a=b; c=d')
    k.output()
    html.escape('<')

    class P(html.parser.HTMLParser):

        def handle_starttag(self, t, a):
            pass
    P().feed('<a href="x">y<!-- z --></a>')


def web_server():
    import http.server, threading, urllib.request, http.client, socketserver

    class Q(http.server.BaseHTTPRequestHandler):

        def do_GET(self):
            self.send_response(200)
            self.send_header('A', 'b')
            self.end_headers()
            self.wfile.write(b'ok')

        def log_message(self, *a):
            pass
    s = http.server.HTTPServer(('127.0.0.1', 0), Q)
    th = threading.Thread(target=s.serve_forever)
    th.start()
    urllib.request.build_opener(urllib.request.ProxyHandler({})).open('http://127.0.0.1:%d/' % s.server_port).read()
    c = http.client.HTTPConnection('127.0.0.1', s.server_port)
    c.request('GET', '/')
    c.getresponse().read()
    s.shutdown()
    th.join()
    s.server_close()


def events():
    import asyncio

    async def a(n):
        await asyncio.sleep(0.001)
        return n

    async def m():
        r = await asyncio.gather(a(1), a(2))
        q = asyncio.Queue()
        await q.put(1)
        await q.get()
        l = asyncio.Lock()
        async with l:
            pass
        await asyncio.wait_for(a(3), 1)
        t = asyncio.create_task(a(4))
        await t
        await asyncio.wait([asyncio.create_task(a(5))])
        e = asyncio.Event()
        e.set()
        await e.wait()
        p = await asyncio.create_subprocess_exec('true')
        await p.wait()
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(None, len, 'a')
        sv = await asyncio.start_server(lambda r, w: w.close(), '127.0.0.1', 0)
        rr, ww = await asyncio.open_connection('127.0.0.1', sv.sockets[0].getsockname()[1])
        await rr.read()
        ww.close()
        sv.close()
        await sv.wait_closed()
    asyncio.run(m())


def threads():
    import concurrent.futures as f, threading, queue
    with f.ThreadPoolExecutor(2) as e:
        list(e.map(len, ['a', 'b']))
        e.submit(len, 'c').result()
        list(f.as_completed([e.submit(len, 'x')]))
    q = queue.Queue()
    q.put(1)
    q.get()
    q.task_done()
    q.join()
    queue.PriorityQueue().put(2)
    b = threading.Barrier(1)
    b.wait()
    c = threading.Condition()
    with c:
        c.notify_all()
    threading.Timer(0.001, len, ['a']).start()
    threading.Semaphore().acquire()
    e = threading.Event()
    e.set()
    e.wait(1)
    r = threading.RLock()


def tests():
    import unittest, io
    from unittest import mock

    class T(unittest.TestCase):

        def setUp(self):
            self.addCleanup(len, 'a')

        def test_a(self):
            self.assertEqual([1, 2], [1, 2])
            self.assertIn(1, [1])
            self.assertTrue(1)
            self.assertRaises(ZeroDivisionError, lambda: 1 / 0)

        def test_b(self):
            with self.subTest(i=1):
                self.assertDictEqual({'a': 1}, {'a': 1})
            self.assertAlmostEqual(1.0, 1.0)
            self.fail('x')

        @unittest.skip('no')
        def test_c(self):
            pass
    unittest.TextTestRunner(stream=io.StringIO()).run(unittest.defaultTestLoader.loadTestsFromTestCase(T))
    m = mock.Mock()
    m.a(1)
    m.a.assert_called_once_with(1)
    with mock.patch('os.getcwd', return_value='x'):
        pass
    mock.MagicMock().__str__()


def numbers_and_classes():
    import csv, io, statistics, fractions, random, calendar, copy, enum, dataclasses, collections, typing
    csv.DictWriter(io.StringIO(), ['a']).writeheader()
    list(csv.DictReader(io.StringIO('a,b\n1,2')))
    statistics.mean([1, 2, 3])
    statistics.stdev([1, 2, 3.5])
    statistics.median([1, 2])
    fractions.Fraction(1, 3) + 1
    r = random.Random(1)
    r.shuffle(list(range(9)))
    r.sample(range(10), 3)
    r.choice([1])
    r.gauss(0, 1)
    calendar.TextCalendar().formatmonth(2020, 1)
    copy.deepcopy({'a': [1, {2}]})
    copy.copy([1])

    class Co(enum.Enum):
        A = 1
        B = 2
    Co['A']
    Co(2)
    list(Co)

    class F(enum.Flag):
        X = 1
        Y = 2
    F.X | F.Y

    @dataclasses.dataclass(order=True)
    class D:
        a: int
        b: list = dataclasses.field(default_factory=list)
    dataclasses.asdict(D(1))
    dataclasses.replace(D(1), a=2)
    N = collections.namedtuple('N', 'a b')
    N(1, 2)._replace(a=3)
    collections.Counter('abca').most_common(1)
    collections.OrderedDict(a=1).move_to_end('a')
    collections.ChainMap({}, {}).new_child()
    typing.Optional[int]
    typing.get_type_hints(arguments)
    typing.NamedTuple('Q', [('a', int)])


def formats():
    import re, xml.etree.ElementTree as et, xml.dom.minidom as md, io, plistlib, pickle, pickletools, base64, ipaddress, uuid
    re.compile('(?P<a>\\d+)[a-z]*(?=x)|y{2,3}').sub(lambda m: 'z', '12abx')
    e = et.fromstring('<a><b c="d">t</b></a>')
    e.findall('.//b[@c]')
    et.tostring(e)
    et.indent(e)
    md.parseString('<a><b/></a>').toprettyxml()
    plistlib.loads(plistlib.dumps({'a': [1, 2.0, b'x']}))
    pickle._dumps([1, {'a': (2,)}])
    pickle._loads(pickle.dumps([1, 2]))
    pickletools.dis(pickle.dumps([1]), out=io.StringIO())
    base64.b32encode(b'a')
    list(ipaddress.ip_network('10.0.0.0/29').hosts())
    ipaddress.ip_address('::1').compressed
    uuid.uuid4().hex
    uuid.uuid5(uuid.NAMESPACE_DNS, 'a')


def processes_and_tools():
    import subprocess, selectors, socket, shutil, platform, glob, gettext, getopt, optparse, mimetypes, traceback
    import warnings, weakref, contextlib, functools, io, sched, timeit, time, linecache
    subprocess.run(['true'])
    subprocess.check_output(['echo', 'a'], text=True)
    subprocess.Popen(['cat'], stdin=-1, stdout=-1).communicate(b'x')
    s = selectors.DefaultSelector()
    a, b = socket.socketpair()
    s.register(a, 1)
    b.send(b'1')
    s.select(1)
    s.close()
    a.close()
    b.close()
    platform.platform()
    glob.glob('/etc/*/*.conf', recursive=True)
    getopt.getopt(['-a', 'b'], 'a:')
    o = optparse.OptionParser()
    o.add_option('-x', type='int')
    o.parse_args(['-x', '1'])
    o.format_help()
    mimetypes.guess_type('a.tar.gz')
    try:
        1 / 0
    except Exception:
        traceback.format_exc()
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')
        warnings.warn('x')

    class K:
        pass
    k = K()
    d = weakref.WeakValueDictionary()
    d['a'] = k
    list(d.items())
    weakref.WeakSet().add(k)

    @contextlib.contextmanager
    def cm():
        yield 1
    with cm(), contextlib.suppress(KeyError), contextlib.redirect_stdout(io.StringIO()), contextlib.ExitStack() as es:
        es.enter_context(cm())
        es.callback(len, 'a')

    @functools.lru_cache
    def l(x):
        return x
    l(1)

    @functools.singledispatch
    def sd(x):
        return 1
    sd.register(int, lambda x: 2)
    sd(1)

    class TO:

        def __eq__(s, o):
            return 1

        def __lt__(s, o):
            return 0
    functools.total_ordering(TO)() >= TO()
    sc = sched.scheduler()
    sc.enter(0, 1, len, ('a',))
    sc.run()
    timeit.timeit('1', number=3)


WORK = [arguments, json_texts, configuration, log, mail, texts, sources, files, web_texts, web_server,
        events, threads, tests, numbers_and_classes, formats, processes_and_tools]


def record(folder):
    """In a process of its own, whose PYTHONPATH is the copy."""
    import audit_ran
    sys.path.remove(here)
    with audit_ran.Recorder(folder) as recorder:
        for work in WORK:
            try:
                work()
            except Exception as e:
                print(f'{work.__name__}: {e!r}', file=sys.stderr)
    print(json.dumps(sorted(recorder.edges)))


def copy_library(to):
    library = sysconfig.get_path('stdlib')
    for name in MODULES:
        path = os.path.join(library, name)
        if os.path.isdir(path):
            shutil.copytree(path, os.path.join(to, name),
                            ignore=shutil.ignore_patterns('__pycache__', 'test', 'tests', '*.so'))
        elif os.path.exists(path + '.py'):
            shutil.copy(path + '.py', to)


def plain(edges):
    """Of two functions of one name a run does not say which one it was."""
    return {tuple(re.sub(r'@\d+', '', name) for name in e) for e in edges}


def main():
    with tempfile.TemporaryDirectory() as folder:
        copy_library(folder)
        run = subprocess.run([sys.executable, __file__, '--record', folder], stdout=subprocess.PIPE, text=True, check=True,
                             env=dict(os.environ, PYTHONPATH=folder))
        happened = plain(json.loads(run.stdout.splitlines()[-1]))
        run = subprocess.run([audit, 'audit', '--format', 'call-graph'], cwd=folder, stdout=subprocess.PIPE,
                             text=True, check=True)
        edges = json.loads(run.stdout)['edges']
        missed = sorted(happened - plain((a, b) for a, to in edges.items() for b in to))
        if '-v' in sys.argv:
            random.seed(1)
            for e in random.sample(missed, min(40, len(missed))):
                print('missed', *e)
        print(f'{len(happened)} calls that happened, recall {1 - len(missed) / len(happened):.3f}')


if sys.argv[1:2] == ['--record']:
    record(os.path.realpath(sys.argv[2]))
else:
    main()
