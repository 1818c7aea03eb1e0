#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""composite.py ACTION.yml WORKSPACE [NAME=VALUE...] - executes the `run` steps of a composite action as GitHub's runner does: inputs
with defaults, env, if, outputs, continue-on-error. Steps with `uses` are printed, not executed. Prints the action's outputs and its
outcome as JSON in the last line; exit 0 when every step's description was understood."""
import json
import os
import re
import subprocess
import sys
import yaml


def value_of(expression, ctx):
    """One ${{ }} expression: names, strings, ==, !=, &&, ||, always(), failure(), success(), parentheses."""
    tokens = re.findall(r"'(?:[^']|'')*'|&&|\|\||[!=]=|[()]|[A-Za-z_][\w.-]*(?:\(\))?", expression)
    words = []
    for t in tokens:
        if t.startswith("'"):
            words.append(repr(t[1:-1].replace("''", "'")))
        elif t in ("always()", "success()", "failure()"):
            words.append(repr(t == "always()" or (t == "failure()") == ctx["failed"]))
        elif t in ("&&", "||"):
            words.append({"&&": "and", "||": "or"}[t])
        elif t in ("==", "!=", "(", ")"):
            words.append(t)
        else:
            words.append(repr(ctx["names"].get(t, "")))
    return eval(" ".join(words), {"__builtins__": {}})


def filled(text, ctx):
    return re.sub(r"\$\{\{(.*?)\}\}", lambda m: str(value_of(m.group(1), ctx)), str(text), flags=re.S)


def outputs_of(path):
    out, lines = {}, iter(open(path).read().split("\n"))
    for line in lines:
        heredoc = re.fullmatch(r"([\w-]+)<<(.+)", line)
        if heredoc:
            body = []
            for inner in lines:
                if inner == heredoc.group(2):
                    break
                body.append(inner)
            out[heredoc.group(1)] = "\n".join(body)
        elif "=" in line:
            name, value = line.split("=", 1)
            out[name] = value
    return out


def run_step(step, number, ctx, base, workspace):
    output = os.path.join(base["RUNNER_TEMP"], f"output-{number}")
    open(output, "w").close()
    env = dict(base, GITHUB_OUTPUT=output)
    env.update({k: filled(v, ctx) for k, v in step.get("env", {}).items()})
    folder = os.path.join(workspace, filled(step.get("working-directory", "."), ctx))
    script = os.path.join(base["RUNNER_TEMP"], f"step-{number}.sh")
    with open(script, "w") as f:
        f.write(filled(step["run"], ctx))
    code = subprocess.run(["bash", "--noprofile", "--norc", "-eo", "pipefail", script], cwd=folder, env=env).returncode
    if "id" in step:
        for name, value in outputs_of(output).items():
            ctx["names"][f"steps.{step['id']}.outputs.{name}"] = value
        ctx["names"][f"steps.{step['id']}.outcome"] = "success" if code == 0 else "failure"
    return code == 0 or bool(step.get("continue-on-error"))


def main():
    path, workspace, *given = sys.argv[1:]
    with open(path) as f:
        action = yaml.safe_load(f)
    inputs = {name: str(i.get("default", "")) for name, i in action["inputs"].items()}
    inputs.update(g.split("=", 1) for g in given)
    unknown = set(inputs) - set(action["inputs"])
    if unknown:
        sys.exit(f"composite.py: no input {unknown}")
    temp = os.environ["RUNNER_TEMP"]
    ctx = {"failed": False, "names": {f"inputs.{k}": v for k, v in inputs.items()}}
    ctx["names"].update({"runner.temp": temp, "runner.os": "Linux", "runner.arch": "X64"})
    base = dict(os.environ, GITHUB_ACTION_PATH=os.path.dirname(os.path.abspath(path)), GITHUB_WORKSPACE=workspace)
    for number, step in enumerate(action["runs"]["steps"]):
        condition = filled(step.get("if", "success()"), ctx)
        if not ("always()" in condition or "failure()" in condition or not ctx["failed"]) or not value_of(condition, ctx):
            continue
        if "uses" in step:
            print("uses:", json.dumps({k: filled(v, ctx) for k, v in dict(step["with"], uses=step["uses"]).items()}), flush=True)
        elif not run_step(step, number, ctx, base, workspace):
            ctx["failed"] = True
    result = {name: filled(o["value"], ctx) for name, o in action["outputs"].items()}
    print(json.dumps(dict(result, outcome="failure" if ctx["failed"] else "success")))


main()
