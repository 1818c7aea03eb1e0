#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# demo.sh PROGRAM BUILD - what `make run` shows: the project's own gate; a part of a test suite that nobody here wrote,
# supervised at level detailed; then a program that hangs. Exit 0 when all ended as
# they must.
set -u
program=$1 zoo=$2/tests/zoo
out=.artifacts/demo
rm -rf "$out"
mkdir -p "$out"
status=0

expect() { # WHAT GOT WANTED
	if [ "$2" = "$3" ]; then
		echo "    exit code $2, as it must be"
	else
		echo "    exit code $2, but it must be $3" >&2
		status=1
	fi
}

supervise() { # NAME ARGUMENTS...
	local name=$1

	shift
	echo "    spec-runner $*"
	"$program" --profile-level detailed --profile-out "$out/$name.json" \
		--profile-summary-out "$out/$name.md" "$@" >"$out/$name.out" 2>"$out/$name.err"
}

echo "==> This project's own gate: its governance checks, its cases, and their trace verified"
echo "    spec-runner --profile-level detailed ci-gate-summary"
"$program" --profile-level detailed --profile-out "$out/gate.json" --profile-summary-out "$out/gate.md" \
	ci-gate-summary >"$out/gate.out" 2>"$out/gate.err"
expect gate $? 0
grep -h -E 'checks in|^1\.\.|^not ok' "$out/gate.out" | sed 's/^/    | /'
"$program" verify "$out/gate.json" | sed 's/^/    /'
[ "${PIPESTATUS[0]}" -eq 0 ] || status=1

echo "==> A part of CPython's own regression tests, supervised"
tests=()
for test in test_popen test_thread test_os test_pipes test_fork1; do # test_pipes is gone with Python 3.13
	! /usr/bin/python3 -c "import importlib.util as u, sys; sys.exit(u.find_spec('test.$test') is None)" || tests+=("$test")
done
supervise suite run -- /usr/bin/python3 -m test -v "${tests[@]}"
expect suite $? 0
tail -n 4 "$out/suite.out" | sed 's/^/    | /'
"$program" verify "$out/suite.json" | sed 's/^/    /'
[ "${PIPESTATUS[0]}" -eq 0 ] || status=1

echo "==> A program that hangs: no output for 1.5 s at --liveness-level strict"
supervise hang run --liveness-level strict --liveness-stall-ms 1500 --liveness-kill-grace-ms 500 -- "$zoo/silent"
expect hang $? 124
sed 's/^/    | /' "$out/hang.err"
"$program" verify "$out/hang.json" | sed 's/^/    /'
[ "${PIPESTATUS[0]}" -eq 0 ] || status=1
if ! grep -q '"stall.subprocess.no_output_no_event"' "$out/hang.json"; then
	echo "    the stall is not in the trace" >&2
	status=1
fi

echo "==> Traces, each with its summary beside it"
for name in gate suite hang; do
	[ -s "$out/$name.json" ] || status=1
	echo "    $out/$name.json  $out/$name.md"
done
exit $status
