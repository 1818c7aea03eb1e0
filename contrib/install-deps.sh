#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# install-deps.sh GROUP... - makes sure that what the groups need is there; installs with apt-get, dnf or apk
# only what is missing, by the names of contrib/packages.tsv. Quick where nothing is missing: it runs before every
# `make run` and `make check`. Groups: build, history, audit, web, portable, check, demo, lint, fuzz, wild (default: all but portable,
# web and wild).
# INSTALL_DEPS=apt|dnf|apk with --print: what would be installed there, without looking at this machine.
set -u
table=$(dirname "$0")/packages.tsv
print=
if [ "${1-}" = --print ]; then
	print=1
	shift
fi
missing=()

# need THING TEST... : the thing is missing where the test fails.
need() {
	local thing=$1

	shift
	[ -z "$print" ] && "$@" >/dev/null 2>&1 || missing+=("$thing")
}

compiles() { # COMPILER FLAGS... : links a program
	echo 'int main(void){return 0;}' | "$@" -x c -o /dev/null -
}

# Regression tests of whichever CPython this is.
python_tests() {
	/usr/bin/python3 -c 'import test.test_subprocess'
}

archive() { test -f "$(gcc -print-file-name="lib$1.a")"; }

group_build() {
	need gcc compiles gcc
	need libc test -e /usr/include/stdio.h
	need make command -v make
	need binutils command -v ar
	need pkg-config command -v pkg-config
	need yaml pkg-config --exists yaml-0.1
	need pcre2 pkg-config --exists libpcre2-8
	need sodium pkg-config --exists libsodium
	need dw pkg-config --exists libdw
	need lzma pkg-config --exists liblzma
	need zlib pkg-config --exists zlib
	need iberty test -e /usr/include/libiberty/demangle.h -o -e /usr/include/libiberty.h
}

# The history wing; without it everything else is built.
group_history() {
	need sqlite pkg-config --exists sqlite3
	need pq pkg-config --exists libpq
	need postgresql test -n "$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null)"
	need microhttpd pkg-config --exists libmicrohttpd
	need curl pkg-config --exists libcurl
}

group_portable() {
	need bz2 archive bz2
	need sqlite archive sqlite3
}

# The parser and the grammars of `audit`: C sources of npm, by the hashes of contrib/grammars/package-lock.json;
# without them everything else is built.
group_audit() {
	local from to

	from=$(cd "$(dirname "$0")/grammars" && pwd)
	to=$(cd "$(dirname "$0")/.." && pwd)/${GRAMMARS:-.artifacts/grammars}
	test -d "$from/node_modules" && return # the tarball of make dist
	cmp -s "$from/package-lock.json" "$to/package-lock.json" && return
	if ! command -v npm >/dev/null; then
		echo "install-deps.sh: no npm here: 'spec-runner audit' is left out (its grammars come from npm)" >&2
		return
	fi
	if ! mkdir -p "$to" || ! cp "$from/package.json" "$from/package-lock.json" "$to/" ||
		! (cd "$to" && npm ci --ignore-scripts --legacy-peer-deps --no-audit --no-fund >npm.log 2>&1); then
		rm -f "$to/package-lock.json"
		echo "install-deps.sh: npm could not fetch the grammars of 'spec-runner audit', which is left out ($to/npm.log)" >&2
	fi
}

# What tests ask when it is there: the official clients of the Model Context Protocol, and axe-core. By hand alone.
group_web() {
	local to

	to=$(cd "$(dirname "$0")/.." && pwd)/.artifacts/web
	test -d "$to/node_modules/axe-core" && return
	mkdir -p "$to" && cp "$(dirname "$0")/../tests/web/package.json" "$to/" &&
		(cd "$to" && npm install --ignore-scripts --no-audit --no-fund >npm.log 2>&1) ||
		echo "install-deps.sh: npm could not fetch what tests of serve and mcp ask ($to/npm.log)" >&2
}

group_check() {
	need perl perl -MJSON::PP -MTest::More -MTime::HiRes -e 1
	need prove command -v prove
	need python3 test -x /usr/bin/python3
	need ps command -v ps
	need setpriv command -v setpriv
	# the kinds of waits in the zoo of `inspect` are told by libc's own symbols
	need libc-dbg test -d /usr/lib/debug/.build-id
}

group_demo() {
	need python3 test -x /usr/bin/python3
	need python-tests python_tests
}

group_lint() {
	need clang compiles clang
	need shellcheck command -v shellcheck
	need codespell command -v codespell
	need cppcheck command -v cppcheck
	need clang-tidy command -v clang-tidy
	need perl command -v perl
}

group_fuzz() {
	need clang compiles clang
	need clang-rt compiles clang -fsanitize=address
}

# What the programs of tests/zoo/wild are made of; those that miss something are skipped. Large, so by hand alone: before
# WILD_ALL=1 make check T=tests/cli/wild.t
group_wild() {
	local tool

	for tool in automake bats bc busybox cmake ctest dbus-run-session expect g++ git go gpg inotifywait javac meson ninja \
		nginx node npm openssl php phpunit redis-server rsync rspec ruby rustc script socat sqlite3 ss ssh strace tclsh tmux vim zsh; do
		need "$tool" command -v "$tool"
	done
	need curl-tool command -v curl
	need check pkg-config --exists check
	need glib pkg-config --exists glib-2.0
	need gtest test -e /usr/include/gtest/gtest.h
	need curl pkg-config --exists libcurl
	need sqlite pkg-config --exists sqlite3
	need tbb test -e /usr/include/tbb/tbb.h
	need uv pkg-config --exists libuv
	need postgresql test -n "$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null)"
	for tool in anyio filelock pexpect pytest pytest_asyncio trio urllib3 xdist; do
		need "python-$tool" /usr/bin/python3 -c "import $tool"
	done
}

[ $# -gt 0 ] || set -- build history audit check demo lint fuzz
for group in "$@"; do
	case $group in
	build | history | audit | web | portable | check | demo | lint | fuzz | wild) "group_$group" ;;
	*)
		echo "install-deps.sh: unknown group '$group' (build, history, audit, web, portable, check, demo, lint, fuzz, wild)" >&2
		exit 2
		;;
	esac
done
[ ${#missing[@]} -gt 0 ] || exit 0

manager=${INSTALL_DEPS-}
if [ -z "$manager" ]; then
	for candidate in apt-get:apt dnf:dnf apk:apk; do
		command -v ${candidate%:*} >/dev/null && manager=${candidate#*:} && break
	done
fi
case $manager in
apt) column=2 ;;
dnf) column=3 ;;
apk) column=4 ;;
*)
	echo "install-deps.sh: no apt-get, dnf or apk here; missing: ${missing[*]} (names of packages: contrib/packages.tsv)" >&2
	exit 1
	;;
esac

as_root=()
if [ -z "$print" ] && [ "$(id -u)" -ne 0 ]; then
	if ! command -v sudo >/dev/null; then
		echo "install-deps.sh: not root and no sudo; missing: ${missing[*]} (names of packages: contrib/packages.tsv)" >&2
		exit 1
	fi
	as_root=(sudo)
	# In CI nobody answers a password prompt.
	[ -t 0 ] || as_root=(sudo -n)
fi
apt() {
	"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -q -o DPkg::Lock::Timeout=120 "$@" >&2 </dev/null
}
# A stale list of one source need not keep the packages from being found in another.
if [ -z "$print" ] && [ "$manager" = apt ]; then
	apt update || echo "install-deps.sh: apt-get update failed; trying with the lists that are here" >&2
fi

# The version in the name of what a package of the system's default depends on: clang -> clang-14 -> 14.
default_version() { # PACKAGE PREFIX
	apt-cache depends "$1" 2>/dev/null | sed -n "s/.*Depends: $2\([0-9.]*\)\$/\1/p" | head -n 1
}

name_of() { # THING: its package here; empty if there is none
	local names name

	names=$(awk -F'\t' -v thing="$1" -v column="$column" '$1 == thing { print $column }' "$table")
	[ "$names" != - ] || return 0
	case $names in *"{clang}"*) names=${names//\{clang\}/$(default_version clang clang-)} ;; esac
	case $names in *"{python}"*) names=${names//\{python\}/$(default_version python3 python)} ;; esac
	for name in ${names//|/ }; do
		[ -z "$print" ] && [ "$manager" = apt ] && ! apt-cache show "$name" >/dev/null 2>&1 && continue
		echo "$name"
		return 0
	done
	echo "install-deps.sh: this system has no package for $1 (${names//|/ or })" >&2
}

mapfile -t packages < <(for thing in "${missing[@]}"; do name_of "$thing"; done | sort -u)
if [ -n "$print" ]; then
	printf '%s\n' "${packages[@]}"
	exit 0
fi
[ ${#packages[@]} -gt 0 ] || exit 0
echo "installing what is missing: ${packages[*]}" >&2
case $manager in
apt) apt install -y --no-install-recommends "${packages[@]}" ;;
dnf) "${as_root[@]}" dnf -q -y install --setopt=install_weak_deps=False "${packages[@]}" >&2 </dev/null ;;
apk) "${as_root[@]}" apk add -q "${packages[@]}" >&2 </dev/null ;;
esac || {
	echo "install-deps.sh: $manager could not install: ${packages[*]}" >&2
	exit 1
}
