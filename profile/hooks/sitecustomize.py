# SPDX-License-Identifier: Apache-2.0
# First on PYTHONPATH of a run with --collect cprofile or mpa. Runs in every interpreter that begins there, of any
# version: takes itself out of sight, starts the hook of its folder, then runs the sitecustomize that it hides.
import sys


def _begin(here, module):
    sys.path[:] = [p for p in sys.path if p != here]
    sys.path_importer_cache.pop(here, None)
    if sys.version_info >= (3, 8) and sys.implementation.name == "cpython":
        names = {"__name__": "spec_runner_hook", "HERE": here}
        for name in ("cprofile.py", "mpa.py"):
            path = here + "/" + name
            try:
                with open(path) as f:
                    text = f.read()
            except OSError:
                continue
            try:
                exec(compile(text, path, "exec"), names)
            except Exception:
                pass  # the program must run whatever becomes of its profile
    sys.modules.pop("sitecustomize", None)
    try:
        import sitecustomize  # noqa: F401
    except ImportError:
        sys.modules["sitecustomize"] = module


_begin(__file__.rsplit("/", 1)[0], sys.modules[__name__])
del _begin
