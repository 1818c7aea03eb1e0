#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# package_portable: the portable tree in an empty root, one with busybox alone, one with busybox and musl, and Debian 11 and 13: a passing run, a hang
# with its finding, inspect, verify, an HTML report. Two builds in two folders are the same bytes.
top=$PWD
# shellcheck disable=SC1091 # beside it
. "$top/tests/lib/package.sh"
package_all
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT

hanging_program "$dir/hang" || skip_all 'no static libc'

make -s portable >"$dir/build.txt" 2>&1
check 'make portable' || tail -n 20 "$dir/build.txt"
tarball=$(ls "$top"/.artifacts/portable/spec-runner-*-linux-"$(uname -m)".tar.gz)
echo "# $(tail -n 1 "$dir/build.txt")"

in_tree() { # NAME ROOT [HANGING-PROGRAM]: what has to work there
	local name=$1 root=$2 hang=${3:-$dir/hang} rc

	mkdir -p "$root/opt" "$root/work"
	tar -x -z -C "$root/opt" -f "$tarball" && mv "$root"/opt/spec-runner-* "$root/opt/sr"
	cp "$hang" "$root/work/hang"
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

# musl's dynamic linker is its libc, all that a program of such a system needs.
musl=$(compgen -G '/lib/ld-musl-*.so.1' | head -n 1)
if [ -n "$musl" ] && [ -d "$dir/busybox/bin" ] && hanging_program "$dir/musl-hang" musl-gcc; then
	mv "$dir/busybox" "$dir/musl"
	rm -rf "$dir"/musl/{opt,work}
	mkdir -p "$dir/musl/lib"
	cp -L "$musl" "$dir/musl/lib/"
	in_tree 'musl' "$dir/musl" "$dir/musl-hang"
	grep -q 'interpreter.*ld-musl' <(LC_ALL=C readelf -l "$dir/musl/work/hang")
	check 'musl: that program is linked with musl'
else
	skip 'musl' 'no musl-tools, or no busybox-static'
fi

for suite in bullseye trixie; do
	if debian_root "$dir/$suite" $suite; then
		in_tree "Debian $suite" "$dir/$suite"
	else
		skip "Debian $suite" 'no debootstrap, or no mirror'
	fi
done

# Another folder, another time: the same bytes.
another_checkout "$dir/again"
(cd "$dir/again" && SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git -C "$top" log -1 --format=%ct)} make -s portable) >"$dir/out" 2>&1
cmp "$tarball" "$dir"/again/.artifacts/portable/*.tar.gz
check 'two builds in two folders: the same bytes' || tail -n 5 "$dir/out"

# Starts of either in turns, by the processor time that they take: what else runs here does not count. The static program has no dynamic
# linker to wait for. 15 rounds of 40 starts; the median of the rounds' ratios.
/usr/bin/python3 - "$dir/empty/opt/sr/bin/spec-runner" "${SPEC_RUNNER:-$top/spec-runner}" >"$dir/out" <<'END'
import os, statistics, subprocess, sys

def cost(program):
    before = os.times()
    for _ in range(40):
        subprocess.run([program, "-V"], stdout=subprocess.DEVNULL)
    after = os.times()
    return (after[2] + after[3]) - (before[2] + before[3])

rounds = [(cost(sys.argv[1]), cost(sys.argv[2])) for _ in range(15)]
portable, dynamic = (statistics.median(r[i] for r in rounds) / 40 * 1000 for i in (0, 1))
ratio = statistics.median(p / d for p, d in rounds if d)
print(f"# start: portable {portable:.2f} ms, dynamic {dynamic:.2f} ms of processor time; ratio {ratio:.2f}")
sys.exit(ratio > 1.0)
END
check 'the portable program starts no slower'
cat "$dir/out"
finish
