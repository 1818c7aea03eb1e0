/* SPDX-License-Identifier: Apache-2.0 */
/* refuse EPERM|ENOSYS CALL PROGRAM [ARGS] - runs a program, and all that it starts, in a sandbox whose filter answers one
 * system call with that error. `refuse list` prints the calls it knows. Two more names refuse only one kind of clone:
 * clone_shared (a process in our memory that is not waited for) and clone_silent (a copy without an exit signal).
 * Exit 77: no such call on this machine, or no filters in this kernel. */
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define C(name) { #name, SYS_##name }
static const struct {
	const char *name;
	long nr;
} calls[] = {
	C(accept4), C(bind), C(brk), C(capget), C(chdir), C(clock_gettime), C(clock_nanosleep), C(clone3), C(close_range),
	C(connect), C(dup), C(dup3), C(epoll_create1), C(epoll_ctl), C(epoll_pwait), C(eventfd2), C(faccessat), C(fallocate),
	C(fchmod), C(fchmodat), C(fchown), C(fcntl), C(flock), C(fstat), C(fstatfs), C(fsync), C(ftruncate), C(futex),
	C(getcwd), C(getdents64), C(geteuid), C(getpriority), C(getrandom), C(getsid), C(getsockopt), C(inotify_init1),
	C(ioctl), C(io_uring_setup), C(kcmp), C(kill), C(linkat), C(lseek), C(madvise), C(membarrier), C(memfd_create),
	C(mkdirat), C(mlock), C(mremap), C(msync), C(munmap), C(newfstatat), C(openat2), C(perf_event_open), C(pidfd_getfd),
	C(pidfd_open), C(pidfd_send_signal), C(pipe2), C(ppoll), C(prctl), C(pread64), C(prlimit64), C(process_vm_readv),
	C(ptrace), C(pwrite64), C(readlinkat), C(recvmsg), C(renameat2), C(rseq), C(rt_sigaction), C(rt_sigtimedwait),
	C(sched_getaffinity), C(sched_yield), C(sendmsg), C(set_robust_list), C(setpgid), C(setpriority), C(setrlimit),
	C(setsid), C(setsockopt), C(sigaltstack), C(signalfd4), C(socket), C(socketpair), C(splice), C(statfs), C(statx),
	C(sysinfo), C(tgkill), C(timerfd_create), C(timerfd_settime), C(umask), C(uname), C(unlinkat), C(utimensat), C(waitid),
#ifdef SYS_epoll_wait
	C(epoll_wait), C(access), C(dup2), C(mkdir), C(readlink), C(rename), C(rmdir), C(stat), C(unlink), C(vfork),
	C(fork), C(poll), C(getpgrp), C(pipe),
#endif
};

/* Flags of clone that are looked at, and what they must be to be refused. */
static const struct {
	const char *name;
	unsigned mask, value;
} clones[] = {
	{ "clone_shared", CLONE_VM | CLONE_VFORK | CLONE_THREAD, CLONE_VM },
	{ "clone_silent", CLONE_VM | 0xff, 0 },
};

int main(int argc, char **argv)
{
	unsigned mask = 0, value = 0;
	long nr = -1;
	int error = argc > 1 && strcmp(argv[1], "ENOSYS") == 0 ? ENOSYS : EPERM;

	for (size_t i = 0; i < sizeof(calls) / sizeof(*calls); i++) {
		if (argc == 2)
			puts(calls[i].name);
		else if (argc > 3 && strcmp(calls[i].name, argv[2]) == 0)
			nr = calls[i].nr;
	}
	if (argc == 2)
		return 0;
	for (size_t i = 0; argc > 3 && i < sizeof(clones) / sizeof(*clones); i++) {
		if (strcmp(clones[i].name, argv[2]) != 0)
			continue;
		nr = SYS_clone;
		mask = clones[i].mask;
		value = clones[i].value;
	}
	if (argc < 4 || nr < 0)
		return 77;

	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)nr, 0, 4),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args)), /* its lower half: little endian */
		BPF_STMT(BPF_ALU | BPF_AND | BPF_K, mask),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (unsigned)error),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog p = { sizeof(code) / sizeof(*code), code };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &p) < 0)
		return 77;
	execv(argv[3], argv + 3);
	return 78;
}
