#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# release.sh - everything of a release into .artifacts/release/, and what has to be true before it: a clean checkout, a section of
# CHANGELOG.md for the Makefile's VERSION. Source and portable tarballs (arm64's where contrib/arm64.sh deps was run), npm packages, wheels,
# Debian package where debhelper is, RPM where rpmbuild is, an SBOM (SPDX 2.3 JSON) of what is linked in, SHA256SUMS, and its signature with MINISIGN_KEY or SIGNIFY_KEY (a file).
# It publishes nothing. --unreleased: the changelog may still say "Unreleased".
set -euo pipefail
cd "$(dirname "$0")/.."
out=.artifacts/release
version=$(make -s print-VERSION)
stop() {
	echo "release.sh: $*" >&2
	exit 1
}

[ -z "$(git status --porcelain)" ] || stop 'the checkout has changes: commit them'
if [ "${1-}" != --unreleased ]; then
	grep -qE "^## \[?$version\]?( |$)" CHANGELOG.md || stop "CHANGELOG.md has no section '## $version'"
fi
SOURCE_DATE_EPOCH=$(git log -1 --format=%ct)
export SOURCE_DATE_EPOCH
rm -rf "$out"
mkdir -p "$out"
make -s -j1 dist portable >"$out/build.log" 2>&1 || { tail -n 20 "$out/build.log"; stop 'the build failed'; }
portable=(.artifacts/portable/*.tar.gz)
if command -v aarch64-linux-gnu-gcc >/dev/null && command -v qemu-aarch64-static >/dev/null; then
	make -s -j1 portable ARCH=arm64 >>"$out/build.log" 2>&1 || stop "the build for arm64 failed: $out/build.log"
	portable+=(.artifacts/arm64/portable/*.tar.gz)
else
	echo 'release.sh: no cross compiler or no qemu: without arm64' >&2
	rm -rf .artifacts/arm64/portable # of another day
fi
# packed of what the lines above built
make -s npm wheel >>"$out/build.log" 2>&1 || stop "npm packages and wheel failed: $out/build.log"
cp ".artifacts/spec-runner-$version.tar.gz" "${portable[@]}" .artifacts/npm/*.tgz .artifacts/wheel/*.whl "$out/"
if command -v rpmbuild >/dev/null; then
	make -s rpm >>"$out/build.log" 2>&1 || stop "make rpm failed: $out/build.log"
	cp .artifacts/rpm/*.rpm "$out/"
else
	echo 'release.sh: no rpmbuild: without an RPM' >&2
fi
if command -v dh >/dev/null; then
	make -s deb >>"$out/build.log" 2>&1 || stop "make deb failed: $out/build.log"
	cp ".artifacts/deb/spec-runner_$version"_*.deb "$out/"
else
	echo 'release.sh: no debhelper: without a Debian package' >&2
fi
rm "$out/build.log"

contrib/sbom.py "$version" ".artifacts/portable/spec-runner-$version-linux-$(uname -m)/share/doc/spec-runner/linked-libraries.tsv" \
	"$SOURCE_DATE_EPOCH" "$out"/*.tar.gz >"$out/spec-runner-$version.spdx.json"
arm64=.artifacts/arm64/portable/spec-runner-$version-linux-aarch64
[ ! -d "$arm64" ] || contrib/sbom.py "$version" "$arm64/share/doc/spec-runner/linked-libraries.tsv" "$SOURCE_DATE_EPOCH" \
	"$out/${arm64##*/}.tar.gz" >"$out/${arm64##*/}.spdx.json"
(cd "$out" && sha256sum -- * >../SHA256SUMS && mv ../SHA256SUMS .)
if [ -n "${MINISIGN_KEY-}" ]; then
	minisign -S -s "$MINISIGN_KEY" -m "$out/SHA256SUMS"
elif [ -n "${SIGNIFY_KEY-}" ]; then
	"$(command -v signify-openbsd || command -v signify)" -S -s "$SIGNIFY_KEY" -m "$out/SHA256SUMS"
else
	echo 'release.sh: neither MINISIGN_KEY nor SIGNIFY_KEY: SHA256SUMS is not signed' >&2
fi
cat "$out/SHA256SUMS"
