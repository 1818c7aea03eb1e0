#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Which calls really happen between functions of a folder, in the names of `spec-runner audit`.

    tests/bench/audit_ran.py FOLDER FILE    runs FILE of FOLDER and prints {"edges", "whole", "error"}

whole: the functions every line of which ran. A lambda is numbered in its scope as written; class bodies and comprehensions
belong to the scope around them. As a module: Recorder(folder)."""
import ast
import builtins
import contextlib
import io
import json
import os
import sys
import threading

COMPREHENSIONS = ('<listcomp>', '<dictcomp>', '<setcomp>', '<genexpr>')


class Recorder:
    def __init__(self, folder, lines=False):
        self.root = os.path.realpath(folder) + os.sep
        self.edges, self.ran, self.seen = set(), {}, {}
        self.classes, self.names, self.lambdas = set(), {}, {}
        self.lines = lines

    def lambdas_of(self, path):
        """[(first line, first column, last line, last column, name)] of the lambdas of a file."""
        if path not in self.lambdas:
            found = self.lambdas[path] = []
            counts = {}

            def walk(node, scope):
                if isinstance(node, ast.Lambda):
                    counts[scope] = counts.get(scope, 0) + 1
                    inner = f'{scope}.<lambda{counts[scope]}>'
                    body = node.body
                    found.append((body.lineno, body.col_offset, body.end_lineno, body.end_col_offset, inner))
                    walk(node.args, scope)
                    walk(body, inner)
                    return
                if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
                    inner = f'{scope}.{node.name}'
                    for part, value in ast.iter_fields(node):
                        for child in value if isinstance(value, list) else [value]:
                            if isinstance(child, ast.AST):
                                walk(child, inner if part == 'body' else scope)
                    return
                for child in ast.iter_child_nodes(node):
                    walk(child, scope)

            with open(path, 'rb') as f:
                walk(ast.parse(f.read()), self.module_of(path))
        return self.lambdas[path]

    def module_of(self, path):
        name = path[len(self.root):-3].replace('/', '.')
        return name[:-len('.__init__')] if name.endswith('.__init__') else name

    def lambda_name(self, path, code):
        places = [p for p in code.co_positions() if p[0] is not None and p[2] is not None and p[3] > p[2]]
        for line, _, column, _ in places:
            around = [x for x in self.lambdas_of(path) if (x[0], x[1]) <= (line, column) < (x[2], x[3])]
            if around:
                return max(around)[4]
        return None

    def name_of(self, code):
        if (code, code.co_filename) not in self.names: # codes of two files may be equal
            path, name = code.co_filename, None
            path = os.path.realpath(path) if path.endswith('.py') else ''
            if path.startswith(self.root):
                parts = [p for p in code.co_qualname.replace('<locals>.', '').split('.') if p not in COMPREHENSIONS]
                name = self.module_of(path)
                if code.co_name == '<lambda>':
                    name = self.lambda_name(path, code)
                elif parts != ['<module>']:
                    name = '.'.join([name] + parts)
            self.names[code, code.co_filename] = name
        return self.names[code, code.co_filename]

    def is_part(self, code):
        return code in self.classes or code.co_name in COMPREHENSIONS

    def owner(self, frame):
        """The function that a call in a frame belongs to: the next one out that is of the folder."""
        while frame is not None:
            name = self.name_of(frame.f_code)
            if frame.f_code.co_filename in ('<string>', __file__) or (self.is_part(frame.f_code) and name):
                frame = frame.f_back # eval and exec act for their caller
                continue
            return name
        return None

    def profile(self, frame, event, _):
        code = frame.f_code
        if event != 'call' or self.is_part(code) or code.co_name == '<module>':
            return
        name = self.name_of(code)
        caller = self.owner(frame.f_back) if name else None
        if caller:
            self.edges.add((caller, name))

    def trace(self, frame, event, _):
        if not self.name_of(frame.f_code):
            return None
        if event == 'line':
            self.ran.setdefault(frame.f_code, set()).add(frame.f_lineno)
        return self.trace

    def left_out(self, path):
        """Lines of statements that the compiler has left out, for their condition is a constant."""
        if path not in self.seen:
            with open(path, 'rb') as f:
                tree = ast.parse(f.read())
            silent = (ast.Global, ast.Nonlocal, ast.Pass, ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
            lines = {n.lineno for n in ast.walk(tree) if isinstance(n, ast.stmt) and not isinstance(n, silent) and
                     not (isinstance(n, ast.Expr) and isinstance(n.value, ast.Constant))}
            codes = [compile(tree, path, 'exec')]
            for code in codes:
                codes += [c for c in code.co_consts if hasattr(c, 'co_code')]
                lines -= {line for _, _, line in code.co_lines()}
            self.seen[path] = lines
        return self.seen[path]

    def whole(self):
        """Functions of which every line ran, each time that they were compiled."""
        parts = {}
        for code, lines in self.ran.items():
            every = {line for _, _, line in code.co_lines() if line and line != code.co_firstlineno}
            last = max(every | {code.co_firstlineno})
            every |= {line for line in self.left_out(os.path.realpath(code.co_filename))
                      if code.co_firstlineno < line and (line <= last or code.co_name == '<module>')}
            parts.setdefault(self.name_of(code), []).append(every <= lines | {code.co_firstlineno})
        return sorted(name for name, good in parts.items() if name and all(good))

    def __enter__(self):
        original = builtins.__build_class__

        def build(body, name, *a, **k):
            self.classes.add(body.__code__)
            return original(body, name, *a, **k)
        builtins.__build_class__ = build
        self.original = original
        sys.setprofile(self.profile)
        threading.setprofile(self.profile)
        if self.lines:
            sys.settrace(self.trace)
        return self

    def __exit__(self, *_):
        sys.settrace(None)
        sys.setprofile(None)
        threading.setprofile(None)
        builtins.__build_class__ = self.original


def main(folder, file):
    folder = os.path.realpath(folder)
    path = os.path.join(folder, file)
    os.chdir(folder)
    sys.path[0] = folder
    with open(path, 'rb') as f:
        code = compile(f.read(), path, 'exec')
    error, recorder = None, Recorder(folder, lines=True)
    with contextlib.redirect_stdout(io.StringIO()), recorder:
        try:
            exec(code, {'__name__': '__main__', '__file__': path})
        except BaseException as e:
            error = repr(e)
    print(json.dumps({'edges': sorted(recorder.edges), 'whole': recorder.whole(), 'error': error}))


if __name__ == '__main__':
    main(*sys.argv[1:])
