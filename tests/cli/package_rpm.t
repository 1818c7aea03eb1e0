#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# package_rpm: the RPM is the same bytes twice, needs no other package, installs with rpm into a root, does its main job there, and
# removing it leaves nothing.
top=$PWD
# shellcheck disable=SC1091 # beside it
. "$top/tests/lib/package.sh"
package_all
command -v rpmbuild >/dev/null || skip_all 'no rpmbuild (apt-get install rpm)'
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
hanging_program "$dir/hang" || skip_all 'no static libc'

{ make -s portable && make -s rpm; } >"$dir/build.txt" 2>&1
check 'make rpm' || tail -n 20 "$dir/build.txt"
grep '\.rpm:' "$dir/build.txt" | sed 's/^/# /'
version=$(make -s print-VERSION)
rpm=$top/.artifacts/rpm/spec-runner-$version-1.$(uname -m).rpm
contrib/rpm.sh "$version" "$dir/again" >/dev/null && diff -r "$top/.artifacts/rpm" "$dir/again"
check 'made twice: the same bytes'
! rpm -qp --requires "$rpm" 2>"$dir/out" | grep -v '^rpmlib('
check 'it needs no other package'

if debian_root "$dir/root" "${PACKAGE_RPM_SUITE:-trixie}"; then
	cp "$dir/hang" "$dir/root/"
	# Debian's rpm installs into a Debian only when it is told to.
	force=
	rpm --force-debian --version >/dev/null 2>&1 && force=--force-debian
	# shellcheck disable=SC2086 # no word where it is empty
	in_rpm() { rpm --root "$dir/root" --dbpath /var/lib/rpm $force "$@"; }
	in_rpm --initdb >"$dir/out" 2>&1
	list() { find "$dir/root" -xdev \( -path "$dir/root/proc" -o -path "$dir/root/dev" -o -path "$dir/root/var/lib/rpm" -o -path "$dir/root/tmp" \) -prune -o -print | sort; }
	mkdir -p "$dir/root/proc" "$dir/root/dev" "$dir/root/tmp"
	list >"$dir/before"
	in_rpm -i "$rpm" >"$dir/out" 2>&1
	check 'rpm -i' || cat "$dir/out"
	in_rpm -V spec-runner >"$dir/out" 2>&1
	check 'rpm -V: every file is as it was packed' || cat "$dir/out"
	in_rpm -ql spec-runner >"$dir/files"
	for file in bin/spec-runner share/man/man1/spec-runner.1 share/bash-completion/completions/spec-runner \
		share/zsh/site-functions/_spec-runner share/fish/vendor_completions.d/spec-runner.fish; do
		grep -qxF "/usr/$file" "$dir/files" && [ -e "$dir/root/usr/$file" ]
		check "it holds /usr/$file"
	done
	in_root "$dir/root" sh -c 'cd /tmp && spec-runner run --profile-level detailed -- true && spec-runner verify' >"$dir/out" 2>&1
	check 'a command passes, its trace is verified' || cat "$dir/out"
	in_root "$dir/root" sh -c 'cd /tmp && spec-runner run --timeout 3s -- /hang' >"$dir/out" 2>&1
	[ $? -eq 124 ] && grep -q 'hang.c:wait_for_nobody:5' "$dir/out"
	check 'a hang, its line named' || cat "$dir/out"
	in_root "$dir/root" sh -c 'cd /tmp && spec-runner report --format junit -o j.xml && spec-runner doctor && rm -rf /tmp/.artifacts /tmp/j.xml' >"$dir/out" 2>&1
	check 'report, doctor' || cat "$dir/out"
	in_rpm -e spec-runner >"$dir/out" 2>&1
	check 'rpm -e' || cat "$dir/out"
	list | diff "$dir/before" -
	check 'removing it leaves nothing'
else
	skip 'installed' 'no debootstrap, or no mirror'
fi
finish
