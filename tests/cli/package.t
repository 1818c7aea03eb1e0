#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# package: `make install` below DESTDIR compiles nothing, what it installed runs from anywhere, and
# uninstall leaves nothing. PACKAGE_ALL=1 builds the other packages, too (package_*.t).
top=$PWD
runner=${SPEC_RUNNER:-$PWD/spec-runner}
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
# shellcheck disable=SC1091 # beside it
. "$top/tests/lib/package.sh"
command -v make >/dev/null || skip_all 'no make'
[ -z "$TEST_SANITIZED" ] || skip_all 'a sanitized build is not installed'

built() { # GOAL...: make with the folders that this build has
	make -s --no-print-directory -j1 "$@" CC=false BUILD="${TEST_BUILD:-$top/.artifacts/build}" PROG="${runner#"$top/"}" \
		LIBEXEC="$(dirname "$runner")/.artifacts/libexec" DOCS="$dir/docs" </dev/null
}

built install DESTDIR="$dir/root" PREFIX=/usr >"$dir/install.txt" 2>&1
check 'install compiles nothing: its compiler is /bin/false' || cat "$dir/install.txt"
(cd "$dir/root/usr" && find . -type f | sort) >"$dir/files.txt"
for file in ./bin/spec-runner ./libexec/spec-runner/spec-runner-inspect ./libexec/spec-runner/spec-runner-report \
	./share/man/man1/spec-runner.1 ./share/bash-completion/completions/spec-runner \
	./share/zsh/site-functions/_spec-runner ./share/fish/vendor_completions.d/spec-runner.fish \
	./share/spec-runner/schemas/run_trace_v1.yaml; do
	grep -qxF "$file" "$dir/files.txt"
	check "install has $file"
done

mv "$dir/root" "$dir/moved"
mkdir "$dir/work"
(cd "$dir/work" && PATH=/usr/bin:/bin "$dir/moved/usr/bin/spec-runner" run --artifacts-dir a --profile-level detailed -- true &&
	PATH=/usr/bin:/bin "$dir/moved/usr/bin/spec-runner" verify a/run-trace.json) >"$dir/run.txt" 2>&1
check 'the moved tree finds its own programs' || cat "$dir/run.txt"
mv "$dir/moved" "$dir/root"

mkdir "$dir/root/keep"
built uninstall DESTDIR="$dir/root" PREFIX=/usr >"$dir/uninstall.txt" 2>&1
check 'uninstall' || cat "$dir/uninstall.txt"
[ "$(cd "$dir/root" && find . | sort | tr '\n' ' ')" = '. ./keep ' ]
check 'leaves nothing of ours, and what is not ours' || find "$dir/root"
finish
