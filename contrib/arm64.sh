#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# arm64.sh deps|build|exec PROGRAM [ARG...]|vm [TEST...] - the whole program for arm64 from a Debian machine of another kind.
#   deps   the cross compiler, arm64's libraries beside the machine's own, qemu (as root)
#   build  everything, tests too, below .artifacts/arm64/
#   exec   one of the programs under qemu-user: enough for what only reads and writes files, as `report` does
#   vm     tests in an arm64 machine with Debian's own kernel (qemu-system): ptrace and /proc are real there. Default: native stacks
#          and the zoo of `inspect`. VM_SECONDS (1200), VM_CPU (cortex-a72; max,pauth-impdef=on has pointer authentication).
# docs/HOWTO-build-arm64.md
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
out=$root/.artifacts/arm64
vm=$out/vm
cc=aarch64-linux-gnu-gcc
libraries=(libyaml-dev libpcre2-dev libsodium-dev libdw-dev libiberty-dev liblzma-dev)
# what the tests run there, beyond what debootstrap takes of itself
guest=perl,python3,procps,util-linux,kmod,mawk,binutils,xz-utils,libc6-dbg,libstdc++6,libdw1,libyaml-0-2,libpcre2-8-0,libsodium23

deps() {
	export DEBIAN_FRONTEND=noninteractive
	dpkg --add-architecture arm64
	apt-get -q update
	apt-get -q install -y --no-install-recommends gcc-aarch64-linux-gnu g++-aarch64-linux-gnu qemu-user-static \
		qemu-system-arm debootstrap cpio "${libraries[@]/%/:arm64}"
}

build() {
	make -C "$root" --no-print-directory "-j$(nproc)" "${1:-tests-built}" CC=$cc AR=aarch64-linux-gnu-ar BUILD=.artifacts/arm64/build \
		PROG=.artifacts/arm64/spec-runner LIBEXEC=.artifacts/arm64/.artifacts/libexec \
		PKG_CONFIG='env PKG_CONFIG_LIBDIR=/usr/lib/aarch64-linux-gnu/pkgconfig:/usr/share/pkgconfig pkg-config'
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
deps) deps ;;
build) build "$@" ;;
exec) exec qemu-aarch64-static "$@" ;;
vm)
	[ $# -gt 0 ] || set -- .artifacts/arm64/build/tests/unit/test_profile_native tests/cli/native.t tests/cli/native_later.t tests/cli/zoo_native.t
	run_vm "$@"
	;;
*)
	sed -n '2,8s/^# \{0,1\}//p' "$0" >&2
	exit 2
	;;
esac
