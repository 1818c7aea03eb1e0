#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# rpm.sh VERSION [OUT] - RPM packages of the portable trees that are there: spec-runner-VERSION-1.{x86_64,aarch64}.rpm. They need no
# other package. Same trees and SOURCE_DATE_EPOCH (default: the last commit's time), same bytes.
set -euo pipefail
cd "$(dirname "$0")/.."
version=$1 out=${2:-.artifacts/rpm}
command -v rpmbuild >/dev/null || { echo 'make rpm: rpmbuild is missing: apt-get install rpm' >&2; exit 1; }
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || echo 0)}
export SOURCE_DATE_EPOCH
rm -rf "$out"
mkdir -p "$out"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
found=0
for arch in x86_64 aarch64; do
	tree=$(find "$PWD/.artifacts/portable" "$PWD/.artifacts/arm64/portable" -maxdepth 1 -type d -name "spec-runner-$version-linux-$arch" 2>/dev/null | head -n 1) || :
	[ -n "$tree" ] || continue
	found=1
	rpmbuild -bb --quiet --target "$arch-linux" --define "_topdir $work" --define "_rpmdir $work/out" --define "version $version" \
		--define "tree $tree" --define '_rpmfilename %{NAME}-%{VERSION}-%{RELEASE}.%{ARCH}.rpm' contrib/rpm/spec-runner.spec >"$work/log" 2>&1 ||
		{ tail -n 20 "$work/log" >&2; exit 1; }
	rpm=$out/spec-runner-$version-1.$arch.rpm
	mv "$work/out/${rpm##*/}" "$rpm"
	echo "$rpm: $(stat -c %s "$rpm") bytes; sha256 $(sha256sum <"$rpm" | cut -d' ' -f1)"
done
[ $found = 1 ] || { echo 'rpm.sh: no portable tree: make portable' >&2; exit 1; }
