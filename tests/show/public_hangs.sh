#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# public_hangs.sh - hangs in the own tests of public projects, each with one race put in: a run is repeated on a busy machine, as
# CI would, until it hangs; from its trace `repro` makes repro.sh, which is run until it hangs again. Fetches the sources of zstd
# and libuv by apt-get (a source list of its own); needs libpython3.11-testsuite, a C compiler and cmake. Prints the commands and
# what they said; the files stay in .artifacts/public.
#
#   tests/show/public_hangs.sh [queue|zstd|libuv]...
# shellcheck disable=SC2317,SC2048 # functions called by a name that is put together; names without blanks
set -u
root=$PWD
spec=${SPEC_RUNNER:-$root/spec-runner}
PATH=$(dirname "$spec"):$PATH
work=$root/.artifacts/public
bad=0

# The tarball of a Debian source package, without touching the system's lists.
fetch() {
	mkdir -p "$work/apt/lists/partial" "$work/src"
	echo 'deb-src http://deb.debian.org/debian bookworm main' >"$work/apt/src.list"
	(
		cd "$work/src" || exit 1
		package=$1
		set -- -o Dir::Etc::SourceList="$work/apt/src.list" -o Dir::Etc::SourceParts=/dev/null -o Dir::State::Lists="$work/apt/lists"
		ls "$work"/apt/lists/*Sources* >/dev/null 2>&1 || apt-get "$@" update >apt.log 2>&1
		apt-get "$@" source --download-only "$package" >>apt.log 2>&1
		ls ./*"$package"*.orig.tar.?z >/dev/null 2>&1
	)
}
unpack() { tar xf "$work"/src/*"$1"*.orig.tar.?z --strip-components=1; }

# CPython's Queue.get() looks for an item without the lock, does something else, then waits: an item that is put in between is lost.
make_queue() {
	export PYTHONPATH="$dir"
	python3 - <<'EOF'
text = open('/usr/lib/python3.11/queue.py').read()
at = text.index('        with self.not_empty:\n            if not block:')
open('queue.py', 'w').write(text[:at] + '''        if block and timeout is None and not self._qsize():
            sum(range(60000))
            with self.not_empty:
                self.not_empty.wait()
''' + text[at:])
EOF
}
test_queue() {
	"$@" /usr/bin/python3 -m unittest -v test.test_queue.PyQueueTest.test_queue_join test.test_queue.PyPriorityQueueTest.test_queue_join
}

# zstd's POOL_add() gives the lock away between its look at a full queue and its wait: a thread that takes a job in between
# wakes nobody.
make_zstd() {
	fetch zstd && unpack zstd && sed -i '/while (isQueueFull(ctx) && (!ctx->shutdown)) {/a\
        ZSTD_pthread_mutex_unlock(\&ctx->queueMutex);\
        ZSTD_pthread_mutex_lock(\&ctx->queueMutex);' lib/common/pool.c &&
		make -C tests poolTests CFLAGS='-g -O1' >make.log 2>&1
}
test_zstd() { "$@" tests/poolTests; }

# libuv's worker gives the lock away between its look for work and its wait, and does something else meanwhile: work that comes in
# between wakes nobody.
make_libuv() {
	export UV_RUN_AS_ROOT=1 UV_THREADPOOL_SIZE=1 UV_TEST_TIMEOUT_MULTIPLIER=20 # its own limit is 5 s
	fetch libuv1 && unpack libuv1 &&
		sed -i 's/^      idle_threads += 1;$/      uv_mutex_unlock(\&mutex);\n      { volatile int i; for (i = 0; i < 20000; i++); }\n      uv_mutex_lock(\&mutex);\n&/' src/threadpool.c &&
		cmake -S . -B build -DLIBUV_BUILD_TESTS=ON -DCMAKE_BUILD_TYPE=Debug >make.log 2>&1 &&
		make -C build uv_run_tests_a >>make.log 2>&1
}
test_libuv() { "$@" build/uv_run_tests_a fs_file_async; }

# Others use the machine, and get more of it.
busy() {
	loops=
	for _ in $(seq $((2 * $(nproc)))); do
		sh -c 'while :; do :; done' &
		loops="$loops $!"
	done
}
calm() {
	# shellcheck disable=SC2086 # several
	kill $loops 2>/dev/null
	wait 2>/dev/null
}

until_it_hangs() {
	n=0 rc=0
	busy
	trap calm EXIT
	while [ $n -lt "${CI_RUNS:-2000}" ] && [ $rc -ne 124 ]; do
		n=$((n + 1))
		"test_$1" nice -n "${CI_NICE:-10}" "$spec" run --timeout-ms 8000 -- >ci.log 2>&1 </dev/null
		rc=$?
	done
	calm
	[ $rc -eq 124 ]
}

one() {
	dir=$work/$1
	rm -rf "$dir" && mkdir -p "$dir/.git" && cd "$dir" || return 1
	"make_$1" || { echo "$1: not here"; return 1; }
	until_it_hangs "$1" || { echo "$1: none of $n runs hung"; return 1; }
	echo "## $1: run $n of CI hung"
	grep -E 'spec-runner: (HUNG|hang\.)|place:' ci.log
	echo "\$ spec-runner repro"
	"$spec" repro --runs "${RUNS:-200}" >repro.log 2>&1 </dev/null || { tail -4 repro.log; return 1; }
	grep -vE 'run [0-9]+/' repro.log
	script=$(ls "$dir"/.artifacts/repro/*/repro.sh)
	echo "\$ cat repro.sh"
	cat "$script"
	echo "\$ sh repro.sh"
	n=0 rc=1
	while [ $n -lt 100 ] && [ $rc -ne 0 ]; do
		n=$((n + 1))
		if grep -q '^exec spec-runner' "$script"; then
			sh "$script" >again.log 2>&1 </dev/null && rc=0
		else # a plain command: hung is what does not end
			timeout 20 sh "$script" >again.log 2>&1 </dev/null
			[ $? -ne 124 ] || rc=0
		fi
	done
	grep -E 'repro: (reproduced|not)|first in' again.log
	echo "it hangs again: time $n, exit $rc"
	return $rc
}

for name in ${*:-queue zstd libuv}; do
	(one "$name") || bad=1
done
exit $bad
