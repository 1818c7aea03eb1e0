#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# public_hangs.sh - hangs in the own tests of public projects, each with one race put in: a run is repeated as CI would until it
# hangs; from its trace `repro` makes repro.sh, which is run until it hangs again. Needs libpython3.11-testsuite and
# golang-golang-x-sync-dev. Prints the commands and what they said; the files stay in .artifacts/public.
#
#   tests/show/public_hangs.sh [get|join|semaphore]...
# shellcheck disable=SC2317,SC2048 # functions called by a name that is put together; names without blanks
set -u
root=$PWD
spec=${SPEC_RUNNER:-$root/spec-runner}
PATH=$(dirname "$spec"):$PATH
work=$root/.artifacts/public
bad=0

# Queue.get() looks for an item without the lock, then waits: an item that is put in between is lost.
make_get() {
	python3 - <<'EOF'
text = open('/usr/lib/python3.11/queue.py').read()
at = text.index('        with self.not_empty:\n            if not block:')
open('queue.py', 'w').write(text[:at] + '''        if block and timeout is None and not self._qsize():
            with self.not_empty:
                self.not_empty.wait()
''' + text[at:])
EOF
}
# Queue.join() looks for unfinished tasks without the lock, then waits: the last task_done() in between is lost.
make_join() {
	python3 - <<'EOF'
text = open('/usr/lib/python3.11/queue.py').read()
old = '''        with self.all_tasks_done:
            while self.unfinished_tasks:
                self.all_tasks_done.wait()
'''
assert old in text
open('queue.py', 'w').write(text.replace(old, '''        if self.unfinished_tasks:
            with self.all_tasks_done:
                self.all_tasks_done.wait()
'''))
EOF
}
# Weighted.Acquire() gives the lock away between its look and its place in the queue: a release in between wakes nobody.
make_semaphore() {
	mkdir -p src/golang.org/x && cp -r /usr/share/gocode/src/golang.org/x/sync src/golang.org/x/ &&
		sed -i 's|^\tready := make(chan struct{})$|\ts.mu.Unlock()\n\ts.mu.Lock()\n&|' src/golang.org/x/sync/semaphore/semaphore.go
}
run_get() { "$@" /usr/bin/python3 -m unittest -v test.test_queue.PyQueueTest test.test_queue.PyLifoQueueTest; }
run_join() { "$@" /usr/bin/python3 -m unittest -v test.test_queue.PyQueueTest test.test_queue.PyPriorityQueueTest; }
run_semaphore() { "$@" go test -count=1 -v -run 'TestLargeAcquire|TestWeightedAcquire' golang.org/x/sync/semaphore; }

one() {
	dir=$work/$1
	rm -rf "$dir" && mkdir -p "$dir/.git" && cd "$dir" || return 1
	"make_$1" || { echo "$1: not here"; return 1; }
	export PYTHONPATH="$dir" GOPATH="$dir" GO111MODULE=off
	n=0 rc=0
	while [ $n -lt "${CI_RUNS:-300}" ] && [ $rc -ne 124 ]; do
		n=$((n + 1))
		"run_$1" "$spec" run --timeout-ms 8000 -- >ci.log 2>&1 </dev/null
		rc=$?
	done
	if [ $rc -ne 124 ]; then
		echo "$1: none of $n runs hung"
		return 1
	fi
	echo "## $1: run $n of CI hung"
	grep -E 'spec-runner: (HUNG|hang\.)|place:' ci.log
	echo "\$ spec-runner repro"
	"$spec" repro --runs "${RUNS:-200}" >repro.log 2>&1 </dev/null || { tail -4 repro.log; return 1; }
	grep -vE 'run [0-9]+/' repro.log
	script=$(ls "$dir"/.artifacts/repro/*/repro.sh)
	echo "\$ cat repro.sh"
	cat "$script"
	echo "\$ sh repro.sh"
	if grep -q '^exec spec-runner' "$script"; then
		sh "$script" >again.log 2>&1 </dev/null
		rc=$?
	else # a plain command: hung is what does not end
		timeout 20 sh "$script" >again.log 2>&1 </dev/null
		rc=$(($? == 124 ? 0 : 1))
	fi
	grep -E 'repro: (reproduced|not)|first in' again.log
	echo "exit $rc"
	return $rc
}

for name in ${*:-get join semaphore}; do
	(one "$name") || bad=1
done
exit $bad
