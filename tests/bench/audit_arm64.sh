#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Builds the audit for arm64 and holds its files against those of this machine's build, byte by byte.
#     tests/bench/audit_arm64.sh FOLDER [WORK]      FOLDER: sources; WORK: where the build goes (default: a new folder of /tmp)
# Needs gcc-aarch64-linux-gnu, libc6-dev-arm64-cross and qemu-user-static; the libraries are fetched with apt into WORK, so
# that the system knows nothing of arm64. Exit 1 where a file differs.
set -eu
folder=$(realpath "$1")
here=$(realpath "$(dirname "$0")/../..")
work=$(realpath "${2:-$(mktemp -d)}")
root=$work/root
mkdir -p "$work/lists/partial" "$work/cache/archives/partial" "$work/deb" "$work/src" "$root"
touch "$work/status"
apt() {
	apt-get -q -o APT::Architecture=arm64 -o APT::Architectures::=arm64 -o Dir::State="$work" -o Dir::State::status="$work/status" \
		-o Dir::State::lists="$work/lists" -o Dir::Cache="$work/cache" -o APT::Sandbox::User=root "$@"
}
apt update
(cd "$work/deb" && apt download libyaml-dev libyaml-0-2 libpcre2-dev libpcre2-8-0 libsodium-dev libsodium23 libdw-dev libdw1 libelf-dev \
	libelf1 liblzma-dev liblzma5 zlib1g-dev zlib1g libbz2-1.0 libzstd1 libzstd-dev libiberty-dev)
for deb in "$work"/deb/*.deb; do
	dpkg -x "$deb" "$root"
done
lib=$root/usr/lib/aarch64-linux-gnu
cp -a "$root/lib/aarch64-linux-gnu/." "$lib/"
(cd "$here" && git ls-files -z | xargs -0 cp --parents -t "$work/src")
for grammars in contrib/grammars/node_modules .artifacts/grammars; do
	[ ! -d "$here/$grammars" ] || (cd "$here" && cp -r --parents -t "$work/src" "$grammars")
done
export PKG_CONFIG_LIBDIR="$lib/pkgconfig" PKG_CONFIG_SYSROOT_DIR="$root"
make -C "$work/src" -j2 CC="aarch64-linux-gnu-gcc -idirafter $root/usr/include -L$lib -Wl,-rpath-link,$lib" AR=aarch64-linux-gnu-ar \
	STATIC_LIBS=0 .artifacts/libexec/spec-runner-audit
cd "$folder"
qemu-aarch64-static -L /usr/aarch64-linux-gnu -E LD_LIBRARY_PATH="$lib" "$work/src/.artifacts/libexec/spec-runner-audit" --no-cache \
	--out "$work/arm64"
"$here/spec-runner" audit --no-cache --out "$work/here"
diff -r "$work/arm64" "$work/here" && echo "the same bytes: $(find "$work/here" -type f | wc -l) files"
