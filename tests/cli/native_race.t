#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# native_race.t - programs of every Debian, blocked as usual: no frame and no name less than eu-stack finds. The whole race, with
# its times and 28 programs, is tests/show/stack_race.pl.
set -u
out=$(RACE_RUNS=3 tests/show/stack_race.pl --small 2>&1)
code=$?
case $code in
77) echo "1..0 # SKIP no eu-stack here" ;;
*)
	echo "1..2"
	printf '%s\n' "$out" | sed 's/^/# /'
	[ $code -eq 0 ] || printf 'not '
	echo "ok 1 - as many frames and names as eu-stack"
	[ "$(printf '%s\n' "$out" | grep -c '^|')" -ge 3 ] || printf 'not '
	echo "ok 2 - of three programs at least"
	;;
esac
