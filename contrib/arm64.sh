#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# arm64.sh deps|sysroot|build|portable|exec PROGRAM [ARG...]|vm [TEST...] - the whole program for arm64 from a Debian machine of another kind.
#   deps      the cross compiler and qemu (as root)
#   sysroot   Debian's libraries for arm64, unpacked below .artifacts/arm64/sysroot: the machine's own packages are left alone
#   build     everything, tests too, below .artifacts/arm64/
#   portable  the portable tree and its tarball in .artifacts/arm64/portable/: what `make portable ARCH=arm64` calls
#   exec      one of the programs under qemu-user: enough for what only reads and writes files, as `report` does
#   vm        tests in an arm64 machine with Debian's own kernel (qemu-system): ptrace and /proc are real there. Default: native stacks
#             and the zoo of `inspect`. VM_SECONDS (1200), VM_CPU (cortex-a72; max,pauth-impdef=on has pointer authentication).
# DEBIAN_MIRROR, DEBIAN_SUITE: where the libraries come from (http://deb.debian.org, this machine's suite). docs/HOWTO-build-arm64.md
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
out=$root/.artifacts/arm64
vm=$out/vm
cc=aarch64-linux-gnu-gcc
sysroot=$out/sysroot
libraries=(libc6-dev libyaml-dev libpcre2-dev libsodium-dev libdw-dev libiberty-dev liblzma-dev libbz2-dev zlib1g-dev libsqlite3-dev)
pkg_config="env PKG_CONFIG_SYSROOT_DIR=$sysroot PKG_CONFIG_LIBDIR=$sysroot/usr/lib/aarch64-linux-gnu/pkgconfig:$sysroot/usr/share/pkgconfig pkg-config"
# what the tests run there, beyond what debootstrap takes of itself
guest=perl,python3,procps,util-linux,kmod,mawk,binutils,xz-utils,libc6-dbg,libstdc++6,libdw1,libyaml-0-2,libpcre2-8-0,libsodium23,libsqlite3-0

stop() {
	echo "arm64.sh: $*" >&2
	exit 1
}

deps() {
	export DEBIAN_FRONTEND=noninteractive
	apt-get -q update
	apt-get -q install -y --no-install-recommends gcc-aarch64-linux-gnu g++-aarch64-linux-gnu qemu-user-static \
		qemu-system-arm debootstrap cpio pkg-config
}

# apt with lists, a cache and a machine of its own, on which nothing is installed.
apt_of() { # FOLDER ARG...
	local folder=$1

	shift
	apt-get -q -o APT::Architecture=arm64 -o APT::Architectures::=arm64 -o APT::Sandbox::User=root -o Debug::NoLocking=1 \
		-o Dir::State="$folder/state" -o Dir::State::status="$folder/status" -o Dir::Cache="$folder/cache" \
		-o Dir::Etc::sourceparts=/dev/null -o Dir::Etc::sourcelist="$folder/sources.list" -o Dir::Etc::preferencesparts=/dev/null "$@"
}

# A folder with arm64's libraries, and what dpkg-query needs to say whose file is whose.
sysroot() {
	local suite=${DEBIAN_SUITE:-} mirror=${DEBIAN_MIRROR:-http://deb.debian.org/debian} apt=$out/apt admin=$sysroot/var/lib/dpkg deb name

	[ -n "$suite" ] || suite=$(sed -n 's/^VERSION_CODENAME=//p' /etc/os-release)
	[ "$(cat "$sysroot/complete" 2>/dev/null)" != "$suite $mirror ${libraries[*]}" ] || return 0
	command -v apt-get >/dev/null || stop "no apt-get here: the libraries for arm64 are Debian's packages"
	rm -rf "$sysroot" "$apt"
	mkdir -p "$sysroot/usr/lib" "$admin/info" "$apt/state/lists/partial" "$apt/cache/archives/partial"
	ln -s usr/lib "$sysroot/lib"
	: >"$apt/status"
	echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror $suite main" >"$apt/sources.list"
	{ apt_of "$apt" update && apt_of "$apt" install -y --download-only --no-install-recommends "${libraries[@]}"; } >"$apt/log" 2>&1 ||
		{ tail -n 5 "$apt/log" >&2; stop "the libraries for arm64 cannot be had from $mirror"; }
	for deb in "$apt"/cache/archives/*.deb; do
		dpkg-deb --fsys-tarfile "$deb" | tar -x -C "$sysroot" --keep-directory-symlink
		name=$(dpkg-deb -f "$deb" Package)
		dpkg-deb --fsys-tarfile "$deb" | tar -t | sed 's,^\.,,; s,/$,,; s,^$,/.,' >"$admin/info/$name.list"
		printf 'Package: %s\nStatus: install ok installed\nMaintainer: %s\nArchitecture: arm64\nVersion: %s\nDescription: %s\n\n' "$name" \
			"$(dpkg-deb -f "$deb" Maintainer)" "$(dpkg-deb -f "$deb" Version)" "$name"
	done >"$admin/status"
	rm -rf "$apt"
	echo "$suite $mirror ${libraries[*]}" >"$sysroot/complete"
}

# make GOAL... for arm64. -B: the compiler's own libc would come first, which misses Debian's updates.
cross() {
	command -v $cc >/dev/null || stop "$cc is missing: sudo contrib/arm64.sh deps"
	sysroot
	make -C "$root" --no-print-directory "$@" CC="$cc --sysroot=$sysroot -B$sysroot/usr/lib/aarch64-linux-gnu/" AR=aarch64-linux-gnu-ar PKG_CONFIG="$pkg_config"
}

build() {
	cross "${1:-tests-built}" BUILD=.artifacts/arm64/build PROG=.artifacts/arm64/spec-runner LIBEXEC=.artifacts/arm64/.artifacts/libexec
}

# The words of the man page and the completions come from the program itself, under qemu.
portable() {
	[ "$(uname -m)" != aarch64 ] || exec make -C "$root" --no-print-directory portable ARCH=
	command -v qemu-aarch64-static >/dev/null || stop 'qemu-aarch64-static is missing: sudo contrib/arm64.sh deps'
	cross portable ARCH= PORTABLE_DIR=.artifacts/arm64/portable DOCS_PROG='qemu-aarch64-static .artifacts/arm64/portable/spec-runner'
}

# The programs that tests compile: there is no compiler in the machine.
prebuild() {
	local to=$1 src=$root/tests/fixtures/native

	mkdir -p "$to"
	one() {
		local name=$1

		shift
		$cc -w -O1 -o "$to/$name" "$@" "$src/blocks.c" -ldl 2>/dev/null || echo "arm64.sh: $name is left out" >&2
	}
	# with signed return addresses, as other distributions have them
	one plain -g -mbranch-protection=standard
	one full -g -mbranch-protection=standard
	one public -rdynamic
	one other -g -DOTHER=1 -O0
	one bare -g -Wl,--build-id=none
	one frame -g -fno-asynchronous-unwind-tables -fno-unwind-tables -fomit-frame-pointer
	one static -g -static
	one static_pie -g -static-pie -fPIE
	one no_pie -g -no-pie
	one optimised -g -O2
	$cc -w -O1 -g -shared -fPIC -o "$to/libblocks.so" "$src/libblocks.c"
	aarch64-linux-gnu-g++ -O1 -g -o "$to/cpp" "$src/blocks.cpp"
	$cc -g -O1 -D_GNU_SOURCE "$root/tests/zoo/hang/hang_c.c" -o "$to/hang_c" -lpthread
	aarch64-linux-gnu-g++ -g -O1 "$root/tests/zoo/hang/hang_cpp.cc" -o "$to/hang_cpp" -lpthread
}

# A folder with Debian's packages unpacked (nothing of them is run here), and a kernel.
machine() {
	local deb

	[ ! -e "$vm/complete" ] || return 0
	rm -rf "$vm"
	mkdir -p "$vm/kernel"
	debootstrap --arch=arm64 --foreign --variant=minbase --include="$guest" bookworm "$vm/root"
	for deb in "$vm"/root/var/cache/apt/archives/*.deb; do
		dpkg-deb --fsys-tarfile "$deb" | tar -x -C "$vm/root" --keep-directory-symlink
	done
	rm -rf "$vm"/root/usr/share/{doc,locale,man,info} "$vm"/root/var/cache/apt/archives/*
	(cd "$vm/kernel" && apt-get -q download "$(apt-cache depends linux-image-arm64:arm64 | awk '/Depends:/ {print $2; exit}' | cut -d: -f1):arm64")
	dpkg-deb -x "$vm"/kernel/*.deb "$vm/kernel"
	mkdir "$vm/root/mods"
	find "$vm/kernel/lib/modules" \( -name 'unix_diag.ko*' -o -name 'inet_diag.ko*' -o -name 'tcp_diag.ko*' -o -name 'udp_diag.ko*' \) \
		-exec cp {} "$vm/root/mods/" \;
	cat >"$vm/root/usr/bin/cc" <<'END'
#!/bin/sh
# programs were compiled elsewhere: the output's name tells which
while [ $# -gt 0 ]; do [ "$1" = -o ] && out=$2; shift; done
cp "/prebuilt/$(basename "$out")" "$out"
END
	chmod +x "$vm/root/usr/bin/cc"
	ln -sf cc "$vm/root/usr/bin/c++"
	ln -sf mawk "$vm/root/usr/bin/awk"
	cat >"$vm/root/init" <<'END'
#!/bin/bash
export PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8
mount -t proc proc /proc; mount -t sysfs sys /sys; mount -t devtmpfs dev /dev; mkdir -p /dev/shm /dev/pts
mount -t tmpfs shm /dev/shm; mount -t devpts pts /dev/pts; mount -t tmpfs tmp /tmp; mount -t cgroup2 cg /sys/fs/cgroup
for m in inet_diag tcp_diag udp_diag unix_diag; do insmod /mods/$m.ko; done
perl -e 'use Socket; socket(S, PF_INET, SOCK_DGRAM, 0); ioctl(S, 0x8914, pack("a16s", "lo", 0x43))'
ln -sf /proc/self/fd /dev/fd
printf 'root:x:0:0:root:/root:/bin/bash\nnobody:x:65534:65534::/:/bin/false\n' >/etc/passwd
echo root:x:0: >/etc/group
cd /src && uname -a
export SPEC_RUNNER=/src/.artifacts/arm64/spec-runner TEST_BUILD=/src/.artifacts/arm64/build TEST_SECONDS=1200
for t in $(cat /tests); do
	tests/run "$t" >/tmp/out 2>&1
	echo "arm64: $t: exit $?, $(grep -c '^ok' /tmp/out) ok"
	grep -v '^ok' /tmp/out
done
echo o >/proc/sysrq-trigger
sleep 5
END
	chmod +x "$vm/root/init"
	: >"$vm/complete"
}

run_vm() {
	local r=$vm/root

	build
	machine
	rm -rf "$r/src" "$r/prebuilt"
	mkdir -p "$r/src/.artifacts"
	prebuild "$r/prebuilt"
	(cd "$root" && git ls-files -co --exclude-standard | tar -c -T -) | tar -x -C "$r/src"
	(cd "$out" && tar -c --exclude=./vm --exclude='*.o' --exclude='*.a' --exclude='*.d' .) | (mkdir "$r/src/.artifacts/arm64" && tar -x -C "$r/src/.artifacts/arm64")
	printf '%s\n' "$@" >"$r/tests"
	(cd "$r" && find . -print0 | cpio --null -o -H newc --quiet) >"$vm/initrd"
	timeout "${VM_SECONDS:-1200}" qemu-system-aarch64 -M virt -cpu "${VM_CPU:-cortex-a72}" -smp 2 -m 4096 -nic none -nographic -no-reboot \
		-kernel "$vm"/kernel/boot/vmlinuz-* -initrd "$vm/initrd" -append 'console=ttyAMA0 rdinit=/init quiet loglevel=1' </dev/null
}

verb=${1-}
[ $# -eq 0 ] || shift
case $verb in
deps | sysroot | portable) "$verb" ;;
build) build "$@" ;;
exec) exec qemu-aarch64-static "$@" ;;
vm)
	[ $# -gt 0 ] || set -- .artifacts/arm64/build/tests/unit/test_profile_native tests/cli/native.t tests/cli/native_later.t tests/cli/zoo_native.t
	run_vm "$@"
	;;
*)
	sed -n '3,11s/^# \{0,1\}//p' "$0" >&2
	exit 2
	;;
esac
