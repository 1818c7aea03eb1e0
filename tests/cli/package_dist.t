#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# package_dist: in fresh roots of Debian 11 and 13 the tarball of `make dist` alone is enough: install-deps.sh finds the names of that
# system, make builds with its compiler, and what was built does its job and finds a hang.
top=$PWD
# shellcheck disable=SC1091 # beside it
. "$top/tests/lib/package.sh"
package_all
git rev-parse --git-dir >/dev/null 2>&1 || skip_all 'not a git checkout'
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT

make -s dist >"$dir/out" 2>&1
check 'make dist' || cat "$dir/out"
version=$(make -s print-VERSION)
if [ -n "$(make -s print-HAVE_GRAMMARS)" ]; then
	tar -t -z -f ".artifacts/spec-runner-$version.tar.gz" | grep -q 'contrib/grammars/node_modules/tree-sitter-python/src/parser.c$'
	check 'it carries the grammars of audit'
fi
for suite in ${PACKAGE_SUITES:-bullseye trixie}; do
	if ! debian_root "$dir/$suite" "$suite"; then
		skip "$suite" 'no debootstrap, or no mirror'
		continue
	fi
	cp /etc/resolv.conf "$dir/$suite/etc/"
	tar -x -z -C "$dir/$suite" -f ".artifacts/spec-runner-$version.tar.gz"
	src=/spec-runner-$version
	in_root "$dir/$suite" "$src/contrib/install-deps.sh" build >"$dir/out" 2>&1
	check "$suite: install-deps.sh build" || tail -n 5 "$dir/out"
	in_root "$dir/$suite" sh -c "cd $src && make -s" >"$dir/out" 2>&1
	check "$suite: make" || tail -n 20 "$dir/out"
	sed 's/^/# /' "$dir/out" | grep -c 'warning:' | sed "s/^/# $suite: warnings: /"
	if [ -n "$(make -s print-HAVE_GRAMMARS)" ]; then
		in_root "$dir/$suite" sh -c "cd $src && mkdir -p /tmp/a && printf 'def f(): pass\\nf()\\n' >/tmp/a/m.py && cd /tmp/a && $src/spec-runner audit --format call-graph" >"$dir/out" 2>&1 &&
			grep -q '"m":\["m.f"\]' "$dir/out"
		check "$suite: audit, of what the tarball carries" || tail -n 5 "$dir/out"
	fi
	in_root "$dir/$suite" sh -c "cd $src && make -s install && spec-runner run -- true && apt-get -q install -y --no-install-recommends python3" >"$dir/out" 2>&1
	check "$suite: make install" || tail -n 5 "$dir/out"
	in_root "$dir/$suite" "$src/contrib/debian/tests/supervise" >"$dir/out" 2>&1
	check "$suite: its job: a hang, its line, the trace verified" || tail -n 20 "$dir/out"
	in_root "$dir/$suite" sh -c "cd $src && make -s run" >"$dir/out" 2>&1
	check "$suite: make run" || tail -n 40 "$dir/out"
done
finish
