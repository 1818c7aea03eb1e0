#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# package_arm64: the portable tree for arm64, built here, run under qemu-user: a passing run, a hang that is ended, verify, report, doctor,
# status of the command. Two builds in two folders are the same bytes; npm package, wheel and RPM are made of it.
# qemu-user has neither ptrace nor another's memory: that a hang's line is named is tried in an emulated machine (contrib/arm64.sh vm).
top=$PWD
# shellcheck disable=SC1091 # beside it
. "$top/tests/lib/package.sh"
package_all
for tool in aarch64-linux-gnu-gcc qemu-aarch64-static apt-get; do
	command -v $tool >/dev/null || skip_all "no $tool (contrib/arm64.sh deps)"
done
[ "$(uname -m)" != aarch64 ] || skip_all 'this is an arm64 machine'
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT

contrib/arm64.sh sysroot >"$dir/out" 2>&1 || skip_all 'no libraries for arm64: no mirror'
make -s portable ARCH=arm64 >"$dir/build.txt" 2>&1
check 'make portable ARCH=arm64' || tail -n 20 "$dir/build.txt"
echo "# $(tail -n 1 "$dir/build.txt")"
version=$(make -s print-VERSION)
tree=$top/.artifacts/arm64/portable/spec-runner-$version-linux-aarch64
LC_ALL=C readelf -h "$tree/bin/spec-runner" | grep -q 'Machine:.*AArch64'
check 'it is for arm64'
! cut -f2 "$tree/share/doc/spec-runner/linked-libraries.tsv" | grep -qx -e - && [ -s "$tree/share/doc/spec-runner/licenses/libyaml-dev" ]
check 'every library in it has its package and licence' || cat "$tree/share/doc/spec-runner/linked-libraries.tsv"
for file in share/man/man1/spec-runner.1 share/bash-completion/completions/spec-runner; do
	cmp -s "$tree/$file" "$top/.artifacts/portable/spec-runner-$version-linux-x86_64/$file" || [ ! -e "$top/.artifacts/portable/spec-runner-$version-linux-x86_64" ]
	check "$file is that of the other processor"
done

# The kernel hands programs for arm64 to qemu in a user namespace of its own (Linux 6.7): the machine is left as it is.
cat >"$dir/qemu" <<'END'
#!/bin/bash
mount -t binfmt_misc binfmt_misc /proc/sys/fs/binfmt_misc || exit 99
printf '%s' ':aarch64:M::\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\xb7\x00:\xff\xff\xff\xff\xff\xff\xff\x00\xff\xff\xff\xff\xff\xff\xff\xff\xfe\xff\xff\xff:'"$(command -v qemu-aarch64-static)"':F' \
	>/proc/sys/fs/binfmt_misc/register || exit 99
exec "$@"
END
chmod +x "$dir/qemu"
arm() { unshare --user --map-root-user --mount --pid --fork --kill-child --mount-proc "$dir/qemu" "$@" </dev/null; }
cat >"$dir/hang.c" <<'END'
#include <stdio.h>
#include <unistd.h>
int main(void)
{
	puts("ready");
	fflush(stdout);
	for (;;)
		pause();
}
END
if aarch64-linux-gnu-gcc -g -static -o "$dir/hang" "$dir/hang.c" && arm true 2>/dev/null; then
	cd "$dir" || exit 1
	runner=$tree/bin/spec-runner
	arm "$runner" run --artifacts-dir a --profile-level detailed -- "$runner" -V >out 2>&1 && grep -q "^spec-runner $version" out
	check 'qemu: a command passes' || cat out
	arm "$runner" verify a/run-trace.json >out 2>&1
	check 'qemu: verify' || cat out
	arm "$runner" run --artifacts-dir f -- sh -c 'exit 7' >out 2>&1
	[ $? -eq 7 ]
	check 'qemu: the exit code is the command'\''s' || cat out
	arm "$runner" run --artifacts-dir h --timeout 20s -- "$dir/hang" >out 2>&1
	[ $? -eq 124 ] && grep -q '^ready' out && grep -q 'spec-runner: HUNG' out && grep -q 'spec-runner: hang\.' out
	check 'qemu: a hang is ended, and what is known is said' || cat out
	grep '^spec-runner: hang' out | sed 's/^/# /'
	arm "$runner" report --format html -o h/r.html h/run-trace.json >out 2>&1 && grep -q '<html' h/r.html
	check 'qemu: report --format html' || cat out
	arm "$runner" run --artifacts-dir i -- "$runner" inspect 1 >out 2>&1
	grep -q spec-runner out
	check 'qemu: inspect, as far as there is something to see' || cat out
	arm "$runner" doctor >out 2>&1 && grep -q 'aarch64' out && grep -A2 '^limited  ptrace' out | grep -q emulator
	check 'qemu: doctor says that an emulator has no ptrace' || cat out
	cd "$top" || exit 1
else
	skip 'under qemu' 'no binfmt_misc in a user namespace here'
fi

{ make -s npm && make -s wheel; } >"$dir/out" 2>&1 && [ -s ".artifacts/npm/spec-runner-linux-arm64-$version.tgz" ] &&
	tar -x -z -O -f ".artifacts/npm/spec-runner-linux-arm64-$version.tgz" package/package.json | grep -q '"cpu": \["arm64"\]'
check 'npm package for arm64' || cat "$dir/out"
wheel=$(ls .artifacts/wheel/*_aarch64.whl 2>/dev/null)
/usr/bin/python3 -m zipfile -l "$wheel" 2>/dev/null | grep -q 'scripts/spec-runner' && case $wheel in *-py3-none-manylinux_2_17_aarch64.*) true ;; *) false ;; esac
check 'wheel for arm64' || ls .artifacts/wheel
sed -n 's/^\(\.artifacts.*\(arm64\|aarch64\).*\): /# \1: /p' "$dir/out"

# Another folder, another time: the same bytes.
another_checkout "$dir/again"
mkdir -p "$dir/again/.artifacts/arm64" && cp -a .artifacts/arm64/sysroot "$dir/again/.artifacts/arm64/"
(cd "$dir/again" && SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git -C "$top" log -1 --format=%ct)} make -s portable ARCH=arm64) >"$dir/out" 2>&1
cmp "$tree.tar.gz" "$dir"/again/.artifacts/arm64/portable/*.tar.gz
check 'two builds in two folders: the same bytes' || tail -n 5 "$dir/out"
finish
