#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# package_portable: the portable tree in an empty root, one with busybox alone, and Debian 11 and 13: a passing run, a hang
# with its finding, inspect, verify, an HTML report. Two builds in two folders are the same bytes.
top=$PWD
# shellcheck disable=SC1091 # beside it
. "$top/tests/lib/package.sh"
package_all
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT

# The program that hangs: static, so that it runs anywhere; the line is in its debug information.
cat >"$dir/hang.c" <<'END'
#include <unistd.h>
#include <stdio.h>
static void wait_for_nobody(void)
{
	pause(); /* line 5 */
}
int main(void)
{
	puts("ready");
	fflush(stdout);
	wait_for_nobody();
	return 0;
}
END
gcc -g -O0 -static -o "$dir/hang" "$dir/hang.c" 2>/dev/null || skip_all 'no static libc'

make -s portable >"$dir/build.txt" 2>&1
check 'make portable' || tail -n 20 "$dir/build.txt"
tarball=$(ls "$top"/.artifacts/portable/spec-runner-*-linux-"$(uname -m)".tar.gz)
echo "# $(tail -n 1 "$dir/build.txt")"

in_tree() { # NAME ROOT: what has to work there
	local name=$1 root=$2 rc

	mkdir -p "$root/opt" "$root/work"
	tar -x -z -C "$root/opt" -f "$tarball" && mv "$root"/opt/spec-runner-* "$root/opt/sr"
	cp "$dir/hang" "$root/work/"
	in_root "$root" /opt/sr/bin/spec-runner run --artifacts-dir /work/a --profile-level detailed -- /opt/sr/bin/spec-runner -V >"$dir/out" 2>&1
	check "$name: a command passes" || cat "$dir/out"
	in_root "$root" /opt/sr/bin/spec-runner verify /work/a/run-trace.json >"$dir/out" 2>&1
	check "$name: verify" || cat "$dir/out"
	in_root "$root" /opt/sr/bin/spec-runner run --artifacts-dir /work/h --timeout 3s -- /work/hang >"$dir/out" 2>&1
	rc=$?
	[ $rc -eq 124 ] && grep -q 'hang.c:wait_for_nobody:5' "$dir/out"
	check "$name: a hang, its line named" || { echo "# exit $rc"; cat "$dir/out"; }
	in_root "$root" /opt/sr/bin/spec-runner report --format html -o /work/h/r.html /work/h/run-trace.json >"$dir/out" 2>&1 &&
		grep -q wait_for_nobody "$root/work/h/r.html"
	check "$name: report --format html" || cat "$dir/out"
	in_root "$root" /opt/sr/bin/spec-runner run --artifacts-dir /work/i -- /opt/sr/bin/spec-runner inspect 1 >"$dir/out" 2>&1
	grep -q 'spec-runner' "$dir/out"
	check "$name: inspect" || cat "$dir/out"
}

mkdir "$dir/empty"
in_tree 'empty root' "$dir/empty"

busybox=$(command -v busybox)
if [ -n "$busybox" ] && ! ldd "$busybox" >/dev/null 2>&1; then
	mkdir -p "$dir/busybox/bin"
	cp "$busybox" "$dir/busybox/bin/"
	ln -s busybox "$dir/busybox/bin/sh"
	in_tree 'busybox' "$dir/busybox"
	in_root "$dir/busybox" /opt/sr/bin/spec-runner run --artifacts-dir /work/s --timeout 3s -- /bin/sh -c 'echo one; /bin/busybox sleep 3000' >"$dir/out" 2>&1
	[ $? -eq 124 ] && grep -q 'hang' "$dir/out"
	check 'busybox: a shell that sleeps' || cat "$dir/out"
else
	skip 'busybox' 'no busybox-static'
fi

for suite in bullseye trixie; do
	if debian_root "$dir/$suite" $suite; then
		in_tree "Debian $suite" "$dir/$suite"
	else
		skip "Debian $suite" 'no debootstrap, or no mirror'
	fi
done

# Another folder, another time: the same bytes.
mkdir "$dir/again"
git ls-files -z --cached --others --exclude-standard | while IFS= read -r -d '' f; do [ ! -e "$f" ] || printf '%s\0' "$f"; done |
	tar -c --null -T - | tar -x -C "$dir/again"
# the grammars are of npm, and not of the tree: what the first build had, the second one has
[ ! -d .artifacts/grammars ] || { mkdir "$dir/again/.artifacts" && cp -r .artifacts/grammars "$dir/again/.artifacts/"; }
(cd "$dir/again" && SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git -C "$top" log -1 --format=%ct)} make -s portable) >"$dir/out" 2>&1
cmp "$tarball" "$dir"/again/.artifacts/portable/*.tar.gz
check 'two builds in two folders: the same bytes' || tail -n 5 "$dir/out"

# Ten starts of either, in turns; the smallest of twenty counts. The static program has no dynamic linker to wait for.
least() { # SMALLEST_SO_FAR PROGRAM
	local t0 t1

	t0=$(date +%s%N)
	for _ in 1 2 3 4 5 6 7 8 9 10; do "$2" -V >/dev/null; done
	t1=$((($(date +%s%N) - t0) / 10000))
	[ "$t1" -lt "$1" ] && echo $t1 || echo "$1"
}
portable_us=1000000 dynamic_us=1000000
for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
	portable_us=$(least "$portable_us" "$dir/empty/opt/sr/bin/spec-runner")
	dynamic_us=$(least "$dynamic_us" "${SPEC_RUNNER:-$top/spec-runner}")
done
echo "# start: portable $portable_us us, dynamic $dynamic_us us"
[ "$portable_us" -le $((dynamic_us * 12 / 10)) ]
check 'the portable program starts no slower'
finish
