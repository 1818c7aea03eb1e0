#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# package_npm: the npm packages are the same bytes twice, install from their files without a network, and supervise jest.
top=$PWD
# shellcheck disable=SC1091 # beside it
. "$top/tests/lib/package.sh"
package_all
command -v npm >/dev/null || skip_all 'no npm'
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
export npm_config_cache=$dir/cache npm_config_update_notifier=false npm_config_fund=false npm_config_audit=false

{ make -s portable && make -s npm; } >"$dir/build.txt" 2>&1
check 'make npm' || tail -n 20 "$dir/build.txt"
tail -n 2 "$dir/build.txt" | sed 's/^/# /'
npm=$top/.artifacts/npm
version=$(make -s print-VERSION)
contrib/npm.sh "$version" "$dir/again" >/dev/null && diff -r "$npm" "$dir/again"
check 'made twice: the same bytes'

mkdir "$dir/project" && cd "$dir/project" && echo '{"name":"p","version":"1.0.0","private":true}' >package.json
npm install --offline --include=optional "$npm/spec-runner-linux-x64-$version.tgz" "$npm/spec-runner-$version.tgz" >"$dir/out" 2>&1
check 'npm install of the two files, offline' || tail -n 5 "$dir/out"
npx --offline spec-runner -V >"$dir/out" 2>&1 && grep -qF "spec-runner $version" "$dir/out"
check 'npx spec-runner -V' || cat "$dir/out"
npx --offline spec-runner run -- sh -c 'exit 7' >"$dir/out" 2>&1
[ $? -eq 7 ]
check 'the exit code is the command'\''s'
mv node_modules/spec-runner-linux-x64 "$dir/aside"
npx --offline spec-runner -V >"$dir/out" 2>&1
[ $? -eq 125 ] && grep -q 'optional packages were left out' "$dir/out"
check 'without the package of this processor: one clear line' || cat "$dir/out"
mv "$dir/aside" node_modules/spec-runner-linux-x64

if npm install jest@29 >"$dir/out" 2>&1; then
	cat >hang.test.js <<'END'
test('passes', () => {});
test('waits for nobody', () => {
	Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
});
END
	npx --offline spec-runner run --timeout 20s -- npx --offline jest --verbose -i >"$dir/out" 2>&1
	[ $? -eq 124 ] && grep -q 'hang.test.js' "$dir/out"
	check 'jest, supervised: the hang names its file' 
	grep '^spec-runner' "$dir/out" | sed 's/^/# /'
else
	skip 'jest, supervised' 'jest cannot be installed here'
fi
finish
