#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs the Python snippets of a fixture and holds the calls that really happen against its lines.

    tests/bench/audit_python_truth.py [FIXTURE]        default: tests/fixtures/audit/python_calls.txt

Exit 1 where a call happened that the fixture does not have. A second function of one name is `name@2` there, but has the
first one's name in a run: such snippets are named and not judged."""
import json
import os
import subprocess
import sys
import tempfile

here = os.path.dirname(os.path.abspath(__file__))
fixture = sys.argv[1] if len(sys.argv) > 1 else os.path.join(here, '../fixtures/audit/python_calls.txt')
cases = []
with open(fixture) as lines:
    for line in lines:
        if line.startswith('== '):
            cases.append((line[3:].strip(), {'main.py': ''}, set()))
            at = 'main.py'
        elif line.startswith('-> '):
            cases[-1][2].add(tuple(line.split()[1:3]))
        elif line.startswith('-- '):
            at = line.split()[1]
            cases[-1][1].setdefault(at, '')
        elif cases:
            cases[-1][1][at] += line
happened = missing = 0
for name, files, edges in cases:
    with tempfile.TemporaryDirectory() as folder:
        for path, text in files.items():
            whole = os.path.join(folder, path)
            os.makedirs(os.path.dirname(whole), exist_ok=True)
            with open(whole, 'w') as f:
                f.write(text)
        run = subprocess.run([sys.executable, os.path.join(here, 'audit_ran.py'), folder, 'main.py'], capture_output=True,
                             text=True, timeout=60)
    ran = {tuple(e) for e in json.loads(run.stdout)['edges'] if not e[1].startswith('<builtin>')}
    happened += len(ran & edges)
    if any('@2' in end for edge in edges for end in edge):
        print(f'{name}: not judged')
        continue
    for edge in sorted(ran - edges):
        missing += 1
        print(f'{name}: happened, but is not there:', *edge)
print(f'{len(cases)} snippets, {happened} of {sum(len(c[2]) for c in cases)} edges happened, {missing} calls are missing')
sys.exit(missing > 0)
