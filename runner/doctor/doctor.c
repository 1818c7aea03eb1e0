/* SPDX-License-Identifier: Apache-2.0 */
#include "runner/doctor/doctor.h"

#include "base/err.h"
#include "base/fd.h"
#include "base/mem.h"
#include "profile/proc/process.h"
#include "runner/config/libexec.h"
#include "runner/proc/contain.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/perf_event.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#define PROC_MAGIC 0x9fa0

const char *const doctor_status_text[] = { "ok", "limited", "missing" };

static void answer(struct doctor_answer *a, enum doctor_status status, const char *detail, const char *how)
{
	a->status = status;
	str_add(&a->detail, detail);
	str_add(&a->how, how);
}

/* The first line of a small file, "" where it cannot be read. */
static void line_of(const char *path, char *out, size_t size)
{
	if (fd_read_file(AT_FDCWD, path, out, size) < 0)
		out[0] = '\0';
	out[strcspn(out, "\n")] = '\0';
}

/* A child that sleeps until it is killed; dumpable as any program of the user. */
static pid_t sleeper(void)
{
	pid_t pid = fork();

	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (;;)
			pause();
	}
	return pid;
}

static void end_child(pid_t pid)
{
	if (pid <= 0)
		return;
	kill(pid, SIGKILL);
	while (waitpid(pid, NULL, __WALL) < 0 && errno == EINTR)
		;
}

/* ---- what the kernel is ---- */

static void check_kernel(struct doctor_answer *a)
{
	struct utsname u;
	int major = 0, minor = 0;

	if (uname(&u) < 0) {
		answer(a, DOCTOR_MISSING, "uname fails", "");
		return;
	}
	if (sscanf(u.release, "%d.%d", &major, &minor) == 2 && (major > 5 || (major == 5 && minor >= 4)))
		a->status = DOCTOR_OK;
	else
		a->status = DOCTOR_LIMITED;
	str_addf(&a->detail, "Linux %s, %s", u.release, u.machine);
	if (a->status != DOCTOR_OK)
		str_add(&a->how, "Linux 5.4 or newer is supported");
	if (strcmp(u.machine, "x86_64") != 0 && strcmp(u.machine, "aarch64") != 0) {
		a->status = DOCTOR_LIMITED;
		str_add(&a->how, "; stacks are read on x86-64 and arm64 only");
	}
}

static void check_seccomp(struct doctor_answer *a)
{
	struct proc_status s;

	if (proc_status_read(getpid(), getpid(), &s) < 0)
		answer(a, DOCTOR_LIMITED, "/proc/self/status cannot be read", "mount /proc");
	else if (s.seccomp == 2)
		answer(a, DOCTOR_LIMITED, "a seccomp filter is in force: some system calls are refused",
		       "docker run --security-opt seccomp=unconfined, or a profile that allows ptrace and "
		       "perf_event_open");
	else
		answer(a, DOCTOR_OK, "no filter", "");
}

/* ---- /proc ---- */

static void check_proc(struct doctor_answer *a)
{
	struct statfs fs;

	if (statfs("/proc", &fs) < 0 || fs.f_type != PROC_MAGIC) {
		answer(a, DOCTOR_MISSING, "/proc is not mounted", "mount -t proc proc /proc");
		return;
	}
	if (access("/proc/1/stat", R_OK) < 0)
		answer(a, DOCTOR_LIMITED, "processes of others are hidden (hidepid)",
		       "mount -o remount,hidepid=0 /proc, if holders outside of the command's tree matter");
	else
		answer(a, DOCTOR_OK, "mounted, every process is visible", "");
}

static void check_children(struct doctor_answer *a)
{
	if (access("/proc/self/task", F_OK) == 0) {
		auto_free char *path = xasprintf("/proc/self/task/%d/children", (int)getpid());

		if (access(path, R_OK) == 0) {
			answer(a, DOCTOR_OK, "the kernel lists children", "");
			return;
		}
	}
	answer(a, DOCTOR_LIMITED,
	       "the kernel lists no children (CONFIG_PROC_CHILDREN): all of /proc is scanned instead", "");
}

static void check_pidfd(struct doctor_answer *a)
{
	int fd = (int)syscall(SYS_pidfd_open, getpid(), 0);

	if (fd >= 0)
		answer(a, DOCTOR_OK, "pidfd_open works", "");
	else
		answer(a, DOCTOR_LIMITED, "pidfd_open is refused: a reused pid is recognized by its start time instead", "");
	fd_close(&fd);
}

/* ---- looking into processes ---- */

static void say_yama(struct doctor_answer *a)
{
	char scope[16];

	line_of("/proc/sys/kernel/yama/ptrace_scope", scope, sizeof(scope));
	if (*scope)
		str_addf(&a->detail, "; Yama ptrace_scope is %s", scope);
	if (strcmp(scope, "3") == 0)
		str_add(&a->how, "ptrace_scope 3 can be changed only by a reboot");
	else if (strcmp(scope, "2") == 0)
		str_add(&a->how, "sysctl kernel.yama.ptrace_scope=1, or CAP_SYS_PTRACE");
	else if (strcmp(scope, "1") == 0)
		str_add(&a->how,
			"`inspect` of processes that spec-runner did not start: sysctl kernel.yama.ptrace_scope=0");
}

/* Every kernel that we run on has these calls. */
static const char not_implemented[] =
	"a machine of this processor, where an emulator (qemu-user) runs this program; else another seccomp profile";

static void check_ptrace(struct doctor_answer *a)
{
	pid_t pid = sleeper();
	bool seized;
	int error;

	if (pid < 0) {
		answer(a, DOCTOR_MISSING, "no child could be started", "");
		return;
	}
	seized = ptrace(PTRACE_SEIZE, pid, NULL, NULL) == 0;
	error = errno;
	if (seized)
		str_add(&a->detail, "descendants may be stopped for microseconds while they run");
	else
		str_addf(&a->detail, "PTRACE_SEIZE: %s; running threads are seen by /proc only", strerror(error));
	a->status = seized ? DOCTOR_OK : DOCTOR_LIMITED;
	end_child(pid);
	say_yama(a);
	if (!seized && !a->how.len)
		str_add(&a->how, error == ENOSYS ? not_implemented : "docker run --cap-add SYS_PTRACE");
}

static int memory_word; /* read in the child at the same address */

static void check_memory(struct doctor_answer *a)
{
	int got = 0;
	struct iovec to = { &got, sizeof(got) }, from = { &memory_word, sizeof(memory_word) };
	pid_t pid;

	memory_word = 4711;
	pid = sleeper();
	if (pid > 0 && process_vm_readv(pid, &to, 1, &from, 1, 0) == sizeof(got) && got == 4711) {
		answer(a, DOCTOR_OK, "memory of descendants can be read without stopping them", "");
	} else {
		int error = pid > 0 ? errno : 0;

		a->status = DOCTOR_MISSING;
		str_addf(&a->detail, "process_vm_readv: %s; stacks cannot be read, waits are read from /proc",
			 pid > 0 ? strerror(error) : "no child");
		str_add(&a->how,
			error == ENOSYS ? not_implemented :
					  "docker run --cap-add SYS_PTRACE, or the same user as the command");
	}
	end_child(pid);
}

static void check_symbols(struct doctor_answer *a)
{
	if (access("/usr/lib/debug/.build-id", R_OK) == 0)
		answer(a, DOCTOR_OK, "separate debug files are installed", "");
	else
		answer(a, DOCTOR_LIMITED,
		       "no /usr/lib/debug: functions of stripped system libraries have no line, some no name",
		       "apt-get install libc6-dbg (Debian, Ubuntu) and -dbgsym packages of the program");
}

/* ---- keeping a tree together ---- */

static void check_cgroup(struct doctor_answer *a)
{
	char dir[4096];
	struct err e = { 0 };
	int fd = contain_cgroup_make("doctor", dir, sizeof(dir), &e);

	if (fd >= 0) {
		answer(a, DOCTOR_OK, "a cgroup of its own can be made: the whole tree is killed in one step", "");
		close(fd);
		contain_cgroup_remove(dir);
		return;
	}
	a->status = DOCTOR_LIMITED;
	str_addf(&a->detail, "%s; --contain auto uses a subreaper", e.msg);
	str_add(&a->how, "a writable cgroup v2: run as root, under systemd-run --user --scope -p Delegate=yes, or "
			 "docker run --cgroupns=private");
}

static void check_pidns(struct doctor_answer *a)
{
	pid_t pid = fork();
	int status;

	if (pid == 0)
		_exit(unshare(CLONE_NEWPID) == 0 || unshare(CLONE_NEWUSER | CLONE_NEWPID) == 0 ? 0 : 1);
	if (pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0)
		answer(a, DOCTOR_OK, "--contain pidns works", "");
	else
		answer(a, DOCTOR_LIMITED, "PID namespaces are refused: --contain pidns does not work",
		       "root, or sysctl kernel.unprivileged_userns_clone=1 "
		       "(kernel.apparmor_restrict_unprivileged_userns=0 on Ubuntu)");
}

/* ---- measuring ---- */

static int perf_try(void)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_SOFTWARE,
		.size = sizeof(attr),
		.config = PERF_COUNT_SW_CPU_CLOCK,
		.sample_period = 10000000,
		.sample_type = PERF_SAMPLE_IP,
		.disabled = 1,
		.exclude_kernel = 1,
		.exclude_hv = 1,
	};

	return (int)syscall(SYS_perf_event_open, &attr, 0, -1, -1, PERF_FLAG_FD_CLOEXEC);
}

static void check_perf(struct doctor_answer *a)
{
	int fd = perf_try(), sys = errno;
	char paranoid[16];

	line_of("/proc/sys/kernel/perf_event_paranoid", paranoid, sizeof(paranoid));
	if (fd >= 0) {
		str_addf(&a->detail, "perf_event_open works (perf_event_paranoid %s)",
			 *paranoid ? paranoid : "unknown");
		close(fd);
		return;
	}
	a->status = DOCTOR_LIMITED;
	str_addf(&a->detail, "perf_event_open: %s (perf_event_paranoid %s); profiles are sampled by other means",
		 strerror(sys), *paranoid ? paranoid : "unknown");
	str_add(&a->how,
		"sysctl kernel.perf_event_paranoid=2; in Docker --cap-add PERFMON or a seccomp profile that allows it");
}

static void check_schedstat(struct doctor_answer *a)
{
	char text[128];
	struct proc_sched s;

	line_of("/proc/self/schedstat", text, sizeof(text));
	if (*text && proc_sched_parse(text, strlen(text), &s) == 0 && s.run_ns > 0)
		answer(a, DOCTOR_OK, "the kernel keeps CPU time and time waited for a CPU", "");
	else
		answer(a, DOCTOR_LIMITED,
		       "no /proc/PID/schedstat: CPU time in clock ticks only, a starved tree is recognized by pressure", "");
}

static void check_pressure(struct doctor_answer *a)
{
	struct proc_pressure p;

	if (proc_pressure_read(PROC_PRESSURE_CPU, &p) == 0)
		answer(a, DOCTOR_OK, "the kernel keeps pressure (PSI)", "");
	else
		answer(a, DOCTOR_LIMITED, "no /proc/pressure: a starved machine is recognized by run delays alone",
		       "boot with psi=1");
}

/* ---- what belongs to us ---- */

static void check_helpers(struct doctor_answer *a)
{
	static const char *const names[] = { "inspect", "report", "symbolize", "status",
					     "verify",  "init",   "check",     "repro" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		auto_free char *path = libexec_find(names[i]);

		if (!path)
			str_addf(&a->detail, "%sspec-runner-%s is not installed", a->detail.len ? ", " : "", names[i]);
	}
	a->status = a->detail.len ? DOCTOR_LIMITED : DOCTOR_OK;
	if (a->detail.len)
		str_add(&a->how, "install the whole package: without them there is no diagnosis and no report");
	else
		str_add(&a->detail, "every program of the package is there");
}

static void check_artifacts(struct doctor_answer *a)
{
	if (access(".", W_OK) == 0)
		answer(a, DOCTOR_OK, "this folder can be written", "");
	else
		answer(a, DOCTOR_LIMITED, "this folder cannot be written: files go below TMPDIR",
		       "--artifacts-dir DIR");
}

const struct doctor_check doctor_checks[] = {
	{ "kernel", "everything", check_kernel },
	{ "proc", "processes, waits, holders", check_proc },
	{ "children", "finding every descendant quickly", check_children },
	{ "pidfd", "signalling a process and never its successor", check_pidfd },
	{ "seccomp", "system calls that a container refuses", check_seccomp },
	{ "memory", "stacks of blocked threads", check_memory },
	{ "ptrace", "stacks of running threads", check_ptrace },
	{ "symbols", "names and lines of system libraries", check_symbols },
	{ "cgroup", "--contain cgroup: ending a tree at once", check_cgroup },
	{ "pidns", "--contain pidns: a tree that cannot escape", check_pidns },
	{ "perf", "profiles of the whole tree", check_perf },
	{ "schedstat", "exact CPU time, starved or not", check_schedstat },
	{ "pressure", "starved or not", check_pressure },
	{ "programs", "diagnosis, findings, reports", check_helpers },
	{ "artifacts", "trace and reports", check_artifacts },
};
const size_t doctor_check_count = sizeof(doctor_checks) / sizeof(doctor_checks[0]);
