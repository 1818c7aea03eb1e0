#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# deb.sh VERSION - the Debian package of what is committed, by debhelper, into .artifacts/deb/. The time of its files is
# the commit's (or SOURCE_DATE_EPOCH's): the same commit gives the same bytes on the same Debian.
set -euo pipefail
cd "$(dirname "$0")/.."
version=$1 out=$PWD/.artifacts/deb
for tool in dpkg-buildpackage dh; do
	command -v $tool >/dev/null || { echo "make deb: $tool is missing: apt-get install build-essential debhelper" >&2; exit 1; }
done
epoch=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct)}
export SOURCE_DATE_EPOCH=$epoch
rm -rf "$out"
mkdir -p "$out"
git archive --prefix="spec-runner-$version/" HEAD | tar -x -C "$out"
cd "$out/spec-runner-$version"
mv contrib/debian debian
# A distributor says who answers for the package.
[ -z "${DEB_MAINTAINER-}" ] || sed -i "s/^Maintainer: .*/Maintainer: ${DEB_MAINTAINER//\//\\/}/" debian/control
cat >debian/changelog <<END
spec-runner ($version) unstable; urgency=medium

  * Version $version; what is new is in CHANGELOG.md.

 -- $(sed -n 's/^Maintainer: //p' debian/control)  $(LC_ALL=C date -u -R -d "@$epoch")
END
# A make above us would hand its jobs to a make that has its own.
env -u MAKEFLAGS -u MAKELEVEL -u MFLAGS dpkg-buildpackage -us -uc -b "-j$(nproc)" -d >"$out/build.log" 2>&1 ||
	{ tail -n 40 "$out/build.log" >&2; exit 1; }
cd "$out"
for deb in spec-runner_"$version"_*.deb; do
	echo ".artifacts/deb/$deb: $(stat -c %s "$deb") bytes; sha256 $(sha256sum <"$deb" | cut -d' ' -f1)"
done
