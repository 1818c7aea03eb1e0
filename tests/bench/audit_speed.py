#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""How fast the audit is on Python's own library, in CPU time beside Python's parser and ctags.

    tests/bench/audit_speed.py [FOLDER] [--rounds N]

FOLDER: a tree of Python sources, copied first (default: the library of this Python with its tests). Prints lines, CPU and wall
time, memory, and what a second run takes after a comment and after a function was added to one file. The files of each
second run must be those of a run without cache. CPU time counts on a machine that does other things too."""
import argparse
import filecmp
import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import time

here = os.path.dirname(os.path.abspath(__file__))
audit = os.environ.get('SPEC_RUNNER', os.path.join(here, '../../spec-runner'))
parser = argparse.ArgumentParser()
parser.add_argument('folder', nargs='?', default=sysconfig.get_path('stdlib'))
parser.add_argument('--rounds', type=int, default=3)
args = parser.parse_args()
PARSE = '''
import ast, os, sys
for folder, _, names in os.walk('.'):
    for name in names:
        path = os.path.join(folder, name)
        if name.endswith('.py') and os.path.getsize(path) <= 2 << 20:
            try:
                for node in ast.walk(ast.parse(open(path, 'rb').read())):
                    pass
            except (SyntaxError, ValueError, RecursionError, MemoryError):
                pass
'''


def run(command, cwd):
    """CPU seconds, wall seconds, peak MiB."""
    started = time.monotonic()
    child = subprocess.Popen(command, cwd=cwd, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(child.pid, 0)
    if status:
        sys.exit(f'{command[0]}: status {status}')
    return usage.ru_utime + usage.ru_stime, time.monotonic() - started, usage.ru_maxrss / 1024


def best(command, cwd, prepare=lambda: None):
    results = []
    for _ in range(args.rounds):
        prepare()
        results.append(run(command, cwd))
    return tuple(min(r[i] for r in results) for i in range(3))


def same(one, two):
    names = [n for n in sorted(os.listdir(one)) if n != 'cache']
    return all(filecmp.cmp(os.path.join(one, n), os.path.join(two, n), shallow=False) for n in names)


with tempfile.TemporaryDirectory() as scratch:
    folder, out, cold = (os.path.join(scratch, n) for n in ('library', 'out', 'cold'))
    shutil.copytree(args.folder, folder, symlinks=True, ignore=shutil.ignore_patterns(
        '__pycache__', 'site-packages', '*.so', '*.a', '*.o'))
    os.mkdir(os.path.join(folder, '.git'))
    source_bytes = lines = 0
    chosen = None
    for parent, _, names in os.walk(folder):
        for name in sorted(names):
            path = os.path.join(parent, name)
            if name.endswith('.py') and os.path.getsize(path) <= 2 << 20:
                with open(path, 'rb') as f:
                    text = f.read()
                source_bytes += len(text)
                lines += text.count(b'\n')
                chosen = path if name == 'argparse.py' else chosen or path
    print(f'{lines / 1000:.0f} kLoC, {source_bytes / 1e6:.1f} MB')
    parse = best([sys.executable, '-W', 'ignore', '-c', PARSE], folder)
    print(f'ast.parse and a walk: {parse[0]:.2f} s CPU')
    if shutil.which('ctags'):
        tags = best(['ctags', '-R', '--languages=Python', '-f', '/dev/null', '.'], folder)
        print(f'ctags: {tags[0]:.2f} s CPU')
    first = best([audit, 'audit', '--out', out], folder, lambda: shutil.rmtree(out, ignore_errors=True))
    limit = 12 * source_bytes / 2 ** 20 + 32
    print(f'audit: {first[0]:.2f} s CPU ({first[0] / parse[0]:.2f} of ast.parse and a walk), {first[1]:.2f} s, '
          f'{lines / 1000 / first[1]:.0f} kLoC/s; {first[2]:.0f} MiB, {100 * first[2] / limit:.0f} % of 12 x source + 32 MiB')
    for what, edit in (('a comment', '\n# a comment\n'), ('a function', '\ndef added_{0}(x):\n    return len(x)\n')):
        count = [0]

        def change():
            count[0] += 1
            with open(chosen, 'a') as f:
                f.write(edit.format(count[0]))
        second = best([audit, 'audit', '--out', out], folder, change)
        run([audit, 'audit', '--out', cold, '--no-cache'], folder)
        print(f'again, after {what} in one file: {second[0]:.2f} s CPU, {100 * second[0] / first[0]:.1f} % of the first; '
              f'{second[1]:.2f} s, {100 * second[1] / first[1]:.1f} %; '
              f'{"the files of a run without cache" if same(out, cold) else "FILES DIFFER"}')
