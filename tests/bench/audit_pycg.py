#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""How right the audit's call graphs of Python are, on the micro-benchmark of PyCG or Jarvis, which stay where they are.

    tests/bench/audit_pycg.py SNIPPETS [TRUTH]

SNIPPETS: a folder of CATEGORY/NAME/main.py…; TRUTH: one of CATEGORY/NAME/callgraph.json (default: the same). Prints how many
graphs are exact, precision and recall, and with -v the edges that differ. Edges to builtins count only where the truth has them."""
import glob
import json
import os
import subprocess
import sys

audit = os.path.join(os.path.dirname(os.path.abspath(__file__)), '../../spec-runner')
verbose = '-v' in sys.argv
folders = [a for a in sys.argv[1:] if a != '-v']
snippets, truths = folders[0], folders[-1]
NAMES = {'<builtin>.dict.': '<map>.', '<builtin>.str.': '<str>.', '<builtin>.list.': '<list>.'}


def published(path):
    return {(a.replace('/', '.'), b.replace('/', '.')) for a, to in json.load(open(path)).items() for b in to}


def renamed(name):
    for ours, theirs in NAMES.items():
        name = name.replace(ours, theirs)
    return name


rows = []
for path in sorted(glob.glob(truths + '/*/*/callgraph.json')):
    name = os.path.relpath(os.path.dirname(path), truths)
    folder = os.path.join(snippets, name)
    if not os.path.isdir(folder):
        continue
    run = subprocess.run([audit, 'audit', '--format', 'call-graph', '.'], cwd=folder, capture_output=True,
                         text=True)
    graph = json.loads(run.stdout)['edges'] if run.stdout else {}
    truth = published(path)
    got = {(a, renamed(b)) for a, to in graph.items() for b in to}
    got = {e for e in got if e in truth or not e[1].startswith('<')}
    rows.append((len(truth & got), len(truth - got), len(got - truth)))
    if verbose and truth != got:
        print(name, 'missed', sorted(truth - got), 'extra', sorted(got - truth))
hits, missed, extra = (sum(r[i] for r in rows) for i in range(3))
exact = sum(1 for r in rows if not r[1] and not r[2])
print(f'{exact} of {len(rows)} exact, precision {hits / max(1, hits + extra):.3f}, recall {hits / max(1, hits + missed):.3f}')
