#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# package_wheel: the wheel is the same bytes twice, installs from its file without an index into a virtual environment, and
# supervises unittest, and pytest where there is one.
top=$PWD
# shellcheck disable=SC1091 # beside it
. "$top/tests/lib/package.sh"
package_all
/usr/bin/python3 -c 'import venv, ensurepip' 2>/dev/null || skip_all 'no python3-venv'
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT

{ make -s portable && make -s wheel; } >"$dir/build.txt" 2>&1
check 'make wheel' || tail -n 20 "$dir/build.txt"
tail -n 1 "$dir/build.txt" | sed 's/^/# /'
version=$(make -s print-VERSION)
wheel=$(ls "$top"/.artifacts/wheel/*_"$(uname -m)".whl)
contrib/wheel.py "$version" "$top/.artifacts/portable/spec-runner-$version-linux-$(uname -m)" "$dir/again" >/dev/null && cmp "$wheel" "$dir"/again/*.whl
check 'made twice: the same bytes'

/usr/bin/python3 -m venv "$dir/venv" && "$dir/venv/bin/python3" -m pip -q install --no-index --disable-pip-version-check "$wheel" >"$dir/out" 2>&1
check 'pip install of the file, without an index' || cat "$dir/out"
PATH=$dir/venv/bin:$PATH
cd "$dir" && spec-runner run --profile-level detailed -- true && spec-runner verify >"$dir/out" 2>&1
check 'spec-runner is on PATH and finds its programs' || cat "$dir/out"
cat >test_waits.py <<'END'
import threading


def test_passes():
    pass


def test_waits():
    threading.Event().wait()  # line 9
END
cat >test_unit.py <<'END'
import threading
import unittest


class T(unittest.TestCase):
    def test_waits(self):
        threading.Event().wait()  # line 7
END
spec-runner run --timeout 5s -- python3 -m unittest -v test_unit >"$dir/out" 2>&1
[ $? -eq 124 ] && grep -q 'test_unit.py:T.test_waits:7' "$dir/out"
check 'unittest, supervised: the line of the hang is named' || cat "$dir/out"
if /usr/bin/python3 -c 'import pytest' 2>/dev/null; then
	spec-runner run --timeout 10s -- /usr/bin/python3 -m pytest -v test_waits.py >"$dir/out" 2>&1
	[ $? -eq 124 ] && grep -q 'test_waits.py:test_waits:9' "$dir/out"
	check 'pytest, supervised: the line of the hang is named'
	grep '^spec-runner' "$dir/out" | sed 's/^/# /'
else
	skip 'pytest, supervised' 'no python3-pytest'
fi
python3 -m pip -q uninstall -y --disable-pip-version-check spec-runner >"$dir/out" 2>&1
[ -z "$(find "$dir/venv" -type f -name '*spec?runner*')" ]
check 'pip uninstall leaves no file' || find "$dir/venv" -name '*spec*runner*'
finish
