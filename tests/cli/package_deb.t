#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# package_deb: the Debian package is clean for lintian, the same bytes twice, installs into a fresh root with nothing but apt,
# does its main job there (the autopkgtest), and purging it leaves nothing.
top=$PWD
# shellcheck disable=SC1091 # beside it
. "$top/tests/lib/package.sh"
package_all
command -v dh >/dev/null || skip_all 'no debhelper'
git rev-parse --git-dir >/dev/null 2>&1 || skip_all 'not a git checkout'
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
# shellcheck disable=SC1091 # of the system
. /etc/os-release

make -s deb >"$dir/build.txt" 2>&1
check 'make deb' || tail -n 20 "$dir/build.txt"
deb=$(ls "$top"/.artifacts/deb/spec-runner_*.deb)
echo "# $(tail -n 1 "$dir/build.txt")"

if command -v lintian >/dev/null; then
	lintian --allow-root --fail-on error,warning "$top"/.artifacts/deb/*.changes >"$dir/lintian.txt" 2>&1
	check 'lintian finds no error and no warning'
	sed 's/^/# /' "$dir/lintian.txt"
else
	skip 'lintian' 'not installed'
fi

git clone -q "$top" "$dir/again" && make -s -C "$dir/again" deb >"$dir/out" 2>&1 && cmp "$deb" "$dir"/again/.artifacts/deb/spec-runner_*.deb
check 'two builds in two folders: the same bytes' || tail -n 5 "$dir/out"

if debian_root "$dir/root" "${VERSION_CODENAME:-bookworm}"; then
	cp /etc/resolv.conf "$dir/root/etc/"
	cp "$deb" "$dir/root/spec-runner.deb"
	in_root "$dir/root" apt-get -q update >"$dir/out" 2>&1
	in_root "$dir/root" apt-get -q install -y --no-install-recommends python3 >>"$dir/out" 2>&1
	check 'a fresh root, python3 for the suite' || tail -n 5 "$dir/out"
	# what the dependencies bring stays out of the comparison
	# shellcheck disable=SC2016 # for the inner shell
	in_root "$dir/root" sh -c 'apt-get -q install -y --no-install-recommends $(dpkg-deb -f /spec-runner.deb Depends | sed "s/([^)]*)//g; s/|[^,]*//g; s/,/ /g")' >>"$dir/out" 2>&1
	list() { find "$dir/root" -xdev \( -path "$dir/root/proc" -o -path "$dir/root/dev" -o -path "$dir/root/var/cache" -o -path "$dir/root/var/log" \
		-o -path "$dir/root/var/lib/dpkg" -o -path "$dir/root/var/lib/apt" -o -path "$dir/root/tmp" \) -prune -o -print | sort; }
	list >"$dir/before"
	in_root "$dir/root" apt-get -q install -y --no-install-recommends /spec-runner.deb >"$dir/out" 2>&1
	check 'installs with apt' || tail -n 5 "$dir/out"
	dpkg-deb -c "$deb" >"$dir/contents"
	for file in usr/bin/spec-runner usr/share/man/man1/spec-runner.1.gz usr/share/bash-completion/completions/spec-runner \
		usr/share/zsh/vendor-completions/_spec-runner usr/share/fish/vendor_completions.d/spec-runner.fish; do
		grep -q "\./$file\$" "$dir/contents"
		check "it holds /$file"
	done
	cp "$top/contrib/debian/tests/supervise" "$dir/root/supervise"
	in_root "$dir/root" /supervise >"$dir/out" 2>&1
	check 'the autopkgtest passes: a hang, its line, the trace verified, HTML and JUnit'
	sed 's/^/# /' "$dir/out" | tail -n 20
	in_root "$dir/root" sh -c 'spec-runner doctor' >"$dir/out" 2>&1
	check 'doctor' || tail -n 5 "$dir/out"
	rm -f "$dir/root/supervise"
	in_root "$dir/root" apt-get -q purge -y spec-runner >"$dir/out" 2>&1
	check 'purge' || tail -n 5 "$dir/out"
	list | grep -v /__pycache__ >"$dir/after"
	grep -v /__pycache__ "$dir/before" | diff - "$dir/after"
	check 'purge leaves nothing'
else
	skip 'installed' 'no debootstrap, or no mirror'
fi
finish
