#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""How right the audit's call graph of C sources is, against gcc's own (-fcallgraph-info, without optimisation).

    tests/bench/audit_gcc.py FOLDER [--flags="-DX …"] [FILE.c ...]

Compiles the C files of the folder (all below it, or those named), reads gcc's edges between functions that they define, and
prints precision and recall of `spec-runner audit` there. Files that do not compile are left out and named."""
import argparse
import glob
import json
import os
import re
import shlex
import subprocess
import tempfile

parser = argparse.ArgumentParser()
parser.add_argument('folder')
parser.add_argument('files', nargs='*')
parser.add_argument('--flags', default='')
parser.add_argument('--list', action='store_true', help='print the edges that differ')
args = parser.parse_args()
audit = os.path.join(os.path.dirname(os.path.abspath(__file__)), '../../spec-runner')
files = args.files or [os.path.relpath(f, args.folder) for f in glob.glob(args.folder + '/**/*.c', recursive=True)]


def short(name):
    return re.sub(r'^.*:', '', name)


edges, defined = set(), set()
with tempfile.TemporaryDirectory() as out:
    for number, name in enumerate(sorted(files)):
        to = f'{out}/{number}.o'
        if subprocess.run(['gcc', '-O0', '-w', '-fcallgraph-info', *shlex.split(args.flags), '-c', name, '-o', to],
                          cwd=args.folder, stderr=subprocess.DEVNULL).returncode:
            print('not compiled:', name)
    for name in glob.glob(out + '/*.ci'):
        text = open(name, errors='replace').read()
        edges |= {(short(a), short(b)) for a, b in re.findall(r'edge: \{ sourcename: "([^"]*)" targetname: "([^"]*)"', text)}
        defined |= {short(m[0]) for m in re.findall(r'node: \{ title: "([^"]*)" label: "([^"]*)"(.*?)\}', text) if 'ellipse' not in m[2]}
graph = json.loads(subprocess.run([audit, 'audit', '--languages', 'c', '--format', 'call-graph', '.'], check=True,
                                  capture_output=True, text=True, cwd=args.folder).stdout)
truth = {(a, b) for a, b in edges if a in defined and b in defined}
ours = {(short(a), short(b)) for a, to in graph['edges'].items() for b in to}
ours = {(a, b) for a, b in ours if a in defined and b in defined}
hits = truth & ours
print(f'{len(truth)} edges: precision {len(hits) / max(1, len(ours)):.3f} recall {len(hits) / max(1, len(truth)):.3f}')
if args.list:
    print('extra', sorted(ours - truth))
    print('missed', sorted(truth - ours))
