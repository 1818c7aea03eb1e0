#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""How right the audit's call graphs of Python are, on the micro-benchmark of PyCG or Jarvis, which stay where they are.

    tests/bench/audit_pycg.py SNIPPETS [TRUTH] [--run] [-v]

SNIPPETS: a folder of CATEGORY/NAME/main.py…; TRUTH: one of CATEGORY/NAME/callgraph.json (default: the same). Prints how
many graphs are exact, precision and recall, and with -v the edges that differ. Edges to builtins count only where the truth
has them. --run: each snippet is run, too, and the published edges are corrected by what happened: an edge that happened is one; an
edge between audited functions that did not, though its caller ran through every line to the end, is none. What cannot
be run is as published, and what is not Python code (builtins) too."""
import glob
import json
import os
import subprocess
import sys

here = os.path.dirname(os.path.abspath(__file__))
audit = os.environ.get('SPEC_RUNNER', os.path.join(here, '../../spec-runner'))
options = [a for a in sys.argv[1:] if a.startswith('-')]
folders = [a for a in sys.argv[1:] if not a.startswith('-')]
snippets, truths = folders[0], folders[-1]
# how the benchmarks, of different years, write methods of builtin types
NAMES = {'<map>.': '<builtin>.dict.', '<str>.': '<builtin>.str.', '<list>.': '<builtin>.list.',
         '<**PyDict**>.': '<builtin>.dict.', '<**PyStr**>.': '<builtin>.str.', '<**PyList**>.': '<builtin>.list.'}


def in_our_names(name):
    for theirs, ours in NAMES.items():
        name = name.replace(theirs, ours)
    return name.replace('/', '.')


def published(path):
    return {(in_our_names(a), in_our_names(b)) for a, to in json.load(open(path)).items() for b in to}


def corrected(truth, folder, nodes):
    """The truth by a run, how many edges it corrected, and whether it could be run."""
    try:
        run = subprocess.run([sys.executable, os.path.join(here, 'audit_ran.py'), folder, 'main.py'], capture_output=True,
                             text=True, timeout=5)
        ran = json.loads(run.stdout)
    except (subprocess.TimeoutExpired, json.JSONDecodeError):
        return truth, 0, False
    happened = {tuple(e) for e in ran['edges']}
    whole = set(ran['whole'])
    kinds = {n: v['kind'] for n, v in nodes.items()}
    false = {e for e in truth - happened if e[0] in whole and kinds.get(e[1]) in ('function', 'method', 'lambda')}
    classes = {e for e in truth if e[0] not in kinds} # an edge from the body of a class: it belongs to the scope around
    if ran['error']:
        false = set()
    return (truth - false - classes) | happened, len(false | classes) + len(happened - truth), not ran['error']


rows, corrections, unrun = [], [], []
for path in sorted(glob.glob(truths + '/*/*/callgraph.json')):
    name = os.path.relpath(os.path.dirname(path), truths)
    folder = os.path.join(snippets, name)
    if not os.path.isfile(os.path.join(folder, 'main.py')):
        continue
    run = subprocess.run([audit, 'audit', '--format', 'call-graph', '.'], cwd=folder, capture_output=True,
                         text=True)
    graph = json.loads(run.stdout) if run.stdout else {'edges': {}, 'nodes': {}}
    truth = published(path)
    if '--run' in options:
        truth, n, could = corrected(truth, folder, graph['nodes'])
        corrections += [name] if n else []
        unrun += [] if could else [name]
    got = {(a, b) for a, to in graph['edges'].items() for b in to}
    got = {e for e in got if e in truth or graph['nodes'][e[1]]['kind'] not in ('builtin', 'external')}
    rows.append((len(truth & got), len(truth - got), len(got - truth)))
    if '-v' in options and truth != got:
        print(name, 'missed', sorted(truth - got), 'extra', sorted(got - truth))
hits, missed, extra = (sum(r[i] for r in rows) for i in range(3))
exact = sum(1 for r in rows if not r[1] and not r[2])
if '--run' in options:
    print(f'corrected by a run: {len(corrections)} truths; not run to their end, and as published:', ', '.join(unrun) or 'none')
print(f'{exact} of {len(rows)} exact ({100 * exact / max(1, len(rows)):.1f} %), '
      f'precision {hits / max(1, hits + extra):.3f}, '
      f'recall {hits / max(1, hits + missed):.3f}')
