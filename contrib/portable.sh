#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# portable.sh FOLDER VERSION - makes of what `make portable` built one relocatable tree and its tarball:
#   FOLDER/spec-runner-VERSION-linux-ARCH/{bin,libexec,share}  and  FOLDER/spec-runner-VERSION-linux-ARCH.tar.gz
# The licences of every library that is linked in lie in share/doc/spec-runner/. Same sources, compiler
# and libraries: same bytes. SOURCE_DATE_EPOCH: the time of its files (default: the last commit's, or 0).
set -euo pipefail
cd "$(dirname "$0")/.."
from=$1 version=$2
CC=${CC:-gcc} PKG_CONFIG=${PKG_CONFIG:-pkg-config}
read -ra cc <<<"$CC"
read -ra pkg_config <<<"$PKG_CONFIG"
machine=$("${cc[@]}" -dumpmachine)
arch=${machine%%-*}
prefix=${machine%%-linux*}-linux-gnu-
command -v "${prefix}strip" >/dev/null || prefix=
epoch=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || echo 0)}
name=spec-runner-$version-linux-$arch
tree=$from/$name
doc=$tree/share/doc/spec-runner

rm -rf "$tree"
make -s --no-print-directory install PORTABLE=1 BUILD="$from/build" PROG="$from/spec-runner" LIBEXEC="$from/.artifacts/libexec" \
	DOCS="$from" DESTDIR="$tree" PREFIX=/ "CC=$CC" "PKG_CONFIG=$PKG_CONFIG" >/dev/null
# No debug information: a finding about ourselves needs names, so the symbols stay in the main program alone.
"${prefix}strip" --strip-debug "$tree/bin/spec-runner"
"${prefix}strip" --strip-unneeded "$tree"/libexec/spec-runner/spec-runner-*
for program in "$tree/bin/spec-runner" "$tree"/libexec/spec-runner/spec-runner-*; do
	case $program in *.so) continue ;; esac
	if "${prefix}readelf" -l "$program" | grep -q INTERP; then
		echo "portable.sh: $program needs a dynamic linker" >&2
		exit 1
	fi
done

# library <TAB> package <TAB> version: what is linked in, by the archives the linker was told of
mkdir -p "$doc/licenses"
cp LICENSE "$doc/"
printf 'archive\tpackage\tversion\n' >"$doc/linked-libraries.tsv"
libraries() {
	local packages

	packages=$(make -s --no-print-directory print-PKGS print-PKGS_PROGRAMS print-PKGS_OPTIONAL PORTABLE=1 "CC=$CC" "PKG_CONFIG=$PKG_CONFIG")
	# shellcheck disable=SC2086 # names of packages are words
	"${pkg_config[@]}" --static --libs-only-l $packages | tr ' ' '\n' | grep '^-l' | grep -v pthread
	printf '%s\n' -liberty -lc -lgcc
}
# A cross compiler's libraries may lie in a folder with a dpkg of its own (contrib/arm64.sh).
sysroot=$(printf '%s\n' "${cc[@]}" | sed -n 's/^--sysroot=//p')
for library in $(libraries | sort -u); do
	file=$("${cc[@]}" "-print-file-name=lib${library#-l}.a")
	[ -e "$file" ] || continue
	file=$(readlink -f "$file")
	case $file in
	"${sysroot:-/nowhere}"/*) at=$sysroot ;;
	*) at= ;;
	esac
	package=$(dpkg-query --admindir="$at/var/lib/dpkg" -S "${file#"$at"}" 2>/dev/null | head -n 1 | cut -d: -f1) || package=
	if [ -n "$package" ]; then
		printf '%s\t%s\t%s\n' "$(basename "$file")" "$package" \
			"$(dpkg-query --admindir="$at/var/lib/dpkg" -W -f '${Version}\n' "$package" | head -n 1)"
		cp -L "$at/usr/share/doc/$package/copyright" "$doc/licenses/$package" 2>/dev/null || :
	else
		printf '%s\t%s\t%s\n' "$(basename "$file")" - "$(sha256sum "$file" | cut -c1-16)"
	fi
done >>"$doc/linked-libraries.tsv"
# The texts that Debian's copyright files refer to.
grep -ohE '/usr/share/common-licenses/[A-Za-z0-9.-]*[A-Za-z0-9]' "$doc"/licenses/* | sort -u | while read -r text; do
	[ ! -f "$text" ] || cp -L "$text" "$doc/licenses/"
done
cat >"$doc/RELINK" <<END
These programs are static: they contain the libraries of linked-libraries.tsv, some of them (glibc, elfutils,
libiberty) under the GNU Lesser General Public License; licenses/ holds the licence of each. To use them
with a changed library:

  1. take the source of spec-runner $version (spec-runner-$version.tar.gz of the same release);
  2. install the changed library where the compiler finds its .a file and pkg-config its .pc file;
  3. make portable${sysroot:+ ARCH=arm64}

with $("${cc[@]}" --version | head -n 1).
The same sources, compiler and libraries give the same bytes. Sources of the libraries, at these versions:
https://snapshot.debian.org/
END
find "$tree" -exec touch -h -d "@$epoch" {} +
chmod -R u=rwX,go=rX "$tree"
tar --sort=name --format=gnu --mtime="@$epoch" --owner=0 --group=0 --numeric-owner -C "$from" -c "$name" | gzip -n9 >"$tree.tar.gz"
left_out=$(make -s --no-print-directory print-LEFT_OUT PORTABLE=1 "CC=$CC" "PKG_CONFIG=$PKG_CONFIG")
[ -z "$left_out" ] || echo "left out, no archives to link: $left_out"
echo "$tree.tar.gz: $(stat -c %s "$tree.tar.gz") bytes, unpacked $(du -sb "$tree" | cut -f1); sha256 $(sha256sum <"$tree.tar.gz" | cut -d' ' -f1)"
