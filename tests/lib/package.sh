# SPDX-License-Identifier: Apache-2.0
# package.sh - what the tests of packages share: TAP, and roots to install into. Sourced with $dir set.
# shellcheck shell=bash disable=SC2034,SC2154 # dir belongs to the test
n=0
failed=0

check() { # WORDS: the result of the last command
	local rc=$?

	n=$((n + 1))
	if [ $rc -eq 0 ]; then
		echo "ok $n - $1"
	else
		echo "not ok $n - $1"
		failed=1
	fi
	return $rc
}

skip() { # WORDS WHY
	n=$((n + 1))
	echo "ok $n - $1 # SKIP $2"
}

skip_all() { # WHY
	echo "1..0 # SKIP $1"
	exit 0
}

finish() {
	echo "1..$n"
	exit $failed
}

# The long tests of packages run when they are asked for.
package_all() {
	[ -n "$PACKAGE_ALL" ] || skip_all 'long: PACKAGE_ALL=1 runs it'
	[ "$(id -u)" -eq 0 ] || skip_all 'needs root for chroot'
}

# A static program that hangs in line 5, in wait_for_nobody(), at $1; compiled by $2 (gcc) with the further arguments. It runs anywhere,
# and its line is in its debug information.
hanging_program() { # PROGRAM [COMPILER FLAG...]
	local to=$1

	shift
	[ $# -gt 0 ] || set -- gcc -static
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
	"$@" -g -O0 -o "$to" "$dir/hang.c" 2>/dev/null
}

# What is built here, in the folder $1: without git, and with the grammars, which are npm's, where this one has them.
another_checkout() {
	mkdir -p "$1/.artifacts"
	git ls-files -z --cached --others --exclude-standard | while IFS= read -r -d '' f; do [ ! -e "$f" ] || printf '%s\0' "$f"; done |
		tar -c --null -T - | tar -x -C "$1"
	[ ! -d .artifacts/grammars ] || cp -r .artifacts/grammars "$1/.artifacts/"
}

# A fresh Debian root at $1 of the suite $2: debootstrapped once a day into PACKAGE_CACHE, then copied.
debian_root() {
	local cache=${PACKAGE_CACHE:-/var/cache/spec-runner-roots} mirror=${DEBIAN_MIRROR:-http://deb.debian.org/debian}

	command -v debootstrap >/dev/null || return 1
	mkdir -p "$cache"
	if [ ! -e "$cache/$2/complete" ] || [ -n "$(find "$cache/$2/complete" -mtime +1)" ]; then
		rm -rf "${cache:?}/$2"
		debootstrap --variant=minbase "$2" "$cache/$2" "$mirror" >"$cache/$2.log" 2>&1 || return 1
		touch "$cache/$2/complete"
	fi
	cp -a "$cache/$2" "$1" && rm "$1/complete"
}

# Runs in the root $1 with a /proc and PID namespace of its own, which are gone afterwards.
in_root() { # ROOT COMMAND...
	local root=$1

	shift
	mkdir -p "$root/proc" "$root/tmp" "$root/dev"
	# shellcheck disable=SC2016 # for the inner shell
	unshare --mount --pid --fork --kill-child bash -c 'mount -t proc proc "$0/proc" && mount --rbind /dev "$0/dev" &&
		exec env -i PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/ LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive chroot "$0" "$@"' "$root" "$@" </dev/null
}
