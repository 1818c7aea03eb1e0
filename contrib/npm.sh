#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# npm.sh VERSION [OUT] - npm packages of the portable trees that are there, made offline: spec-runner-VERSION.tgz (the launcher) and
# spec-runner-linux-{x64,arm64}-VERSION.tgz (the programs, an optional package for one processor). Same trees, same bytes.
set -euo pipefail
cd "$(dirname "$0")/.."
version=$1 out=${2:-.artifacts/npm}
rm -rf "$out"
mkdir -p "$out"
pack() { # FOLDER NAME: a tarball as `npm pack` makes it, but the same bytes every time
	tar --sort=name --format=gnu --mtime=@0 --owner=0 --group=0 --numeric-owner -C "$1" -c package | gzip -n9 >"$out/$2-$version.tgz"
	rm -rf "$1"
	echo "$out/$2-$version.tgz: $(stat -c %s "$out/$2-$version.tgz") bytes; sha256 $(sha256sum <"$out/$2-$version.tgz" | cut -d' ' -f1)"
}
describe() { # NAME REST
	cat <<END
{
  "name": "$1",
  "version": "$version",
  "description": "Runs tests in CI, watches whether they are alive, and says where and why one hangs",
  "license": "Apache-2.0",
  "os": ["linux"],
$2
}
END
}
found=0
for pair in x86_64:x64 aarch64:arm64; do
	tree=$(find .artifacts/portable .artifacts/arm64 -maxdepth 2 -type d -name "spec-runner-$version-linux-${pair%:*}" 2>/dev/null | head -n 1) || :
	[ -n "$tree" ] || continue
	found=1
	mkdir -p "$out/tree"
	cp -a "$tree" "$out/tree/package"
	cp LICENSE "$out/tree/package/"
	describe "spec-runner-linux-${pair#*:}" "  \"cpu\": [\"${pair#*:}\"],
  \"preferUnplugged\": true" >"$out/tree/package/package.json"
	chmod -R u=rwX,go=rX "$out/tree/package"
	pack "$out/tree" "spec-runner-linux-${pair#*:}"
done
[ $found = 1 ] || { echo 'npm.sh: no portable tree: make portable' >&2; exit 1; }
mkdir -p "$out/main/package/bin"
install -m 755 contrib/npm/launcher.sh "$out/main/package/bin/spec-runner"
cp LICENSE README.md "$out/main/package/"
describe spec-runner "  \"bin\": { \"spec-runner\": \"bin/spec-runner\" },
  \"optionalDependencies\": {
    \"spec-runner-linux-arm64\": \"$version\",
    \"spec-runner-linux-x64\": \"$version\"
  }" >"$out/main/package/package.json"
chmod -R u=rwX,go=rX "$out/main/package"
pack "$out/main" spec-runner
