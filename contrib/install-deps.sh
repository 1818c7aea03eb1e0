#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# install-deps.sh GROUP... - makes sure that what the groups need is there; installs with
# apt-get only what is missing. Quick where nothing is: it runs before every `make run`
# and `make check`. Groups: build, history, check, demo, lint, fuzz (default: all).
set -u

missing=()

# need PACKAGE TEST... : the package is missing where the test fails.
need() {
	local package=$1

	shift
	"$@" >/dev/null 2>&1 || missing+=("$package")
}

compiles() { # COMPILER FLAGS... : links a program
	echo 'int main(void){return 0;}' | "$@" -x c -o /dev/null -
}

group_build() {
	need gcc compiles gcc
	need libc6-dev test -e /usr/include/stdio.h
	need binutils command -v ar
	need pkg-config command -v pkg-config
	need libyaml-dev pkg-config --exists yaml-0.1
	need libpcre2-dev pkg-config --exists libpcre2-8
	need libsodium-dev pkg-config --exists libsodium
	need libjansson-dev pkg-config --exists jansson
	need libdw-dev pkg-config --exists libdw
	need liblzma-dev pkg-config --exists liblzma
	need zlib1g-dev pkg-config --exists zlib
	need libiberty-dev test -e /usr/include/libiberty/demangle.h
}

# The history wing; without it everything else is built.
group_history() {
	need libsqlite3-dev pkg-config --exists sqlite3
	need libpq-dev pkg-config --exists libpq
	need postgresql test -n "$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null)"
}

group_check() {
	need perl perl -MJSON::PP -MTest::More -MTime::HiRes -e 1
	need perl command -v prove
	need python3 test -x /usr/bin/python3
	need procps command -v ps
	need util-linux command -v setpriv
	# the kinds of waits in the zoo of `inspect` are told by libc's own symbols
	need libc6-dbg test -d /usr/lib/debug/.build-id
}

group_demo() {
	need python3 test -x /usr/bin/python3
	need libpython3.11-testsuite test -e /usr/lib/python3.11/test/test_subprocess.py
}

group_lint() {
	need clang compiles clang
	need shellcheck command -v shellcheck
	need cppcheck command -v cppcheck
	need perl command -v perl
}

group_fuzz() {
	need clang compiles clang
	need libclang-rt-14-dev compiles clang -fsanitize=address
}

[ $# -gt 0 ] || set -- build history check demo lint fuzz
for group in "$@"; do
	case $group in
	build | history | check | demo | lint | fuzz) "group_$group" ;;
	*)
		echo "install-deps.sh: unknown group '$group' (build, history, check, demo, lint, fuzz)" >&2
		exit 2
		;;
	esac
done
[ ${#missing[@]} -gt 0 ] || exit 0
mapfile -t missing < <(printf '%s\n' "${missing[@]}" | sort -u)

echo "installing what is missing: ${missing[*]}" >&2
if ! command -v apt-get >/dev/null; then
	echo "install-deps.sh: no apt-get here; install what Debian calls: ${missing[*]}" >&2
	exit 1
fi
as_root=()
if [ "$(id -u)" -ne 0 ]; then
	if ! command -v sudo >/dev/null; then
		echo "install-deps.sh: not root and no sudo; run as root: apt-get install ${missing[*]}" >&2
		exit 1
	fi
	as_root=(sudo)
	# In CI nobody answers a password prompt.
	[ -t 0 ] || as_root=(sudo -n)
fi
run() {
	"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -q -o DPkg::Lock::Timeout=120 "$@" >&2 </dev/null
}
# A stale list of one source need not keep the packages from being found in another.
run update || echo "install-deps.sh: apt-get update failed; trying with the lists that are here" >&2
if ! run install -y --no-install-recommends "${missing[@]}"; then
	echo "install-deps.sh: apt-get could not install: ${missing[*]}" >&2
	exit 1
fi
