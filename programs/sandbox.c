/* SPDX-License-Identifier: Apache-2.0 */
/* spec-runner-sandbox [--writes DIR]... [--no-network] [--require] [--measure FILE] -- CMD [ARG...]
 * spec-runner-sandbox --probe
 *
 * For spec-runner optimize, which runs a stranger's code: becomes CMD with what the kernel offers without privileges. Writes
 * only below the folders named (Landlock), no network but its own loopback (a network namespace). --measure: runs CMD as a
 * child and writes {"wall_ms", "cpu_ms", "max_rss_bytes"} of it to FILE, which CMD cannot write. --probe prints what
 * there is.
 *
 * Exit: CMD's own; 125 where it could not be confined as asked, 126, 127 where CMD cannot be run. */
#include "base/clock.h"
#include "base/fd.h"
#include "base/json_write.h"
#include "base/mem.h"
#include "base/path.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef SYS_landlock_create_ruleset
#define SYS_landlock_create_ruleset 444
#define SYS_landlock_add_rule 445
#define SYS_landlock_restrict_self 446
#endif

/* linux/landlock.h, as of ABI 7: older headers lack members. */
struct ruleset { uint64_t access_fs, access_net, scoped; };
struct beneath { uint64_t allowed; int32_t parent; } __attribute__((packed));
#define RULE_PATH_BENEATH 1
#define CREATE_VERSION 1u
#define FS_WRITE_FILE (1u << 1)
#define FS_WRITES 0x1ff2u       /* write, remove, make of every kind */
#define FS_REFER (1u << 13)     /* ABI 2 */
#define FS_TRUNCATE (1u << 14)  /* ABI 3 */
#define SCOPES 3u               /* ABI 6: abstract sockets, signals */

struct request {
	struct strv writes;
	bool no_network, require;
	const char *measure;
	char **argv;
};

static int abi(void)
{
	long v = syscall(SYS_landlock_create_ruleset, NULL, 0, CREATE_VERSION);

	return v < 0 ? 0 : (int)v;
}

static uint64_t fs_access(int version)
{
	return FS_WRITES | (version >= 2 ? FS_REFER : 0) | (version >= 3 ? FS_TRUNCATE : 0);
}

static int allow(int ruleset, const char *path, uint64_t access)
{
	struct beneath rule = { .allowed = access, .parent = open(path, O_PATH | O_CLOEXEC) };
	int rc;

	if (rule.parent < 0)
		return -1;
	rc = (int)syscall(SYS_landlock_add_rule, ruleset, RULE_PATH_BENEATH, &rule, 0);
	close(rule.parent);
	return rc;
}

/* Devices that take what is written and keep nothing. */
static const char *const devices[] = { "/dev/null", "/dev/zero", "/dev/full", "/dev/tty", "/dev/random", "/dev/urandom" };

static int confine_writes(const struct strv *dirs)
{
	int version = abi();
	struct ruleset r = { fs_access(version), 0, version >= 6 ? SCOPES : 0 };
	size_t size = version >= 6 ? sizeof(r) : version >= 4 ? 16 : 8;
	auto_close int fd = -1;

	if (!version)
		return -1;
	fd = (int)syscall(SYS_landlock_create_ruleset, &r, size, 0);
	if (fd < 0)
		return -1;
	for (size_t i = 0; i < dirs->n; i++)
		if (allow(fd, dirs->v[i], r.access_fs) < 0)
			return -1;
	for (size_t i = 0; i < sizeof(devices) / sizeof(devices[0]); i++)
		allow(fd, devices[i], (FS_WRITE_FILE | FS_TRUNCATE) & r.access_fs); /* one that is missing needs no rule */
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return -1;
	return (int)syscall(SYS_landlock_restrict_self, fd, 0);
}

static int put(const char *path, const char *text)
{
	auto_close int fd = open(path, O_WRONLY | O_CLOEXEC);

	return fd < 0 ? -1 : fd_write_all(fd, text, strlen(text));
}

static int loopback_up(void)
{
	auto_close int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq r = { .ifr_flags = IFF_UP };

	memcpy(r.ifr_name, "lo", 3);
	return fd < 0 ? -1 : ioctl(fd, SIOCSIFFLAGS, &r);
}

/* Where we may not make one as we are, in a user namespace that maps us to ourselves. */
static int confine_network(void)
{
	unsigned uid = geteuid(), gid = getegid();
	char map[64];

	if (unshare(CLONE_NEWNET) == 0)
		return loopback_up();
	if (unshare(CLONE_NEWUSER | CLONE_NEWNET) < 0)
		return -1;
	put("/proc/self/setgroups", "deny");
	snprintf(map, sizeof(map), "%u %u 1", uid, uid);
	if (put("/proc/self/uid_map", map) < 0)
		return -1;
	snprintf(map, sizeof(map), "%u %u 1", gid, gid);
	return put("/proc/self/gid_map", map) < 0 ? -1 : loopback_up();
}

/* Tries a thing in a child. */
static bool can(int (*what)(void))
{
	int status = 1;
	pid_t pid = fork();

	if (pid == 0)
		_exit(what() < 0 ? 1 : 0);
	while (pid > 0 && waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return false;
	return pid > 0 && status == 0;
}

static int try_writes(void)
{
	struct strv none = STRV_INIT;

	return confine_writes(&none);
}

static int probe(void)
{
	char writes[40];
	struct json j;
	auto_str out = STR_INIT;

	snprintf(writes, sizeof(writes), "landlock abi %d", abi());
	json_init(&j, &out);
	json_object(&j, NULL);
	json_str(&j, "writes", can(try_writes) ? writes : "none");
	json_str(&j, "network", can(confine_network) ? "namespace" : "none");
	json_object_end(&j);
	json_finish(&j);
	puts(str_cstr(&out));
	return fflush(stdout) == 0 ? 0 : 125;
}

static int fail(const char *what, int code)
{
	fprintf(stderr, "spec-runner: sandbox: %s: %s\n", what, strerror(errno));
	return code;
}

static int isolate(const struct request *q)
{
	return q->no_network && confine_network() < 0 && q->require ? fail("no network namespace", 125) : 0;
}

static int become(const struct request *q)
{
	if (q->writes.n && confine_writes(&q->writes) < 0 && q->require)
		return fail("Landlock", 125);
	execvp(q->argv[0], q->argv);
	fail(q->argv[0], 0);
	return errno == ENOENT ? 127 : 126;
}

static double ms_of(struct timeval t)
{
	return (double)t.tv_sec * 1000 + (double)t.tv_usec / 1000;
}

static int write_measure(const char *path, int64_t wall_ns, const struct rusage *u)
{
	auto_str out = STR_INIT;
	struct err e = { 0 };
	struct json j;

	json_init(&j, &out);
	json_object(&j, NULL);
	json_fixed(&j, "wall_ms", (double)wall_ns / 1e6, 6);
	json_fixed(&j, "cpu_ms", ms_of(u->ru_utime) + ms_of(u->ru_stime), 3);
	json_int(&j, "max_rss_bytes", (int64_t)u->ru_maxrss * 1024);
	json_object_end(&j);
	json_finish(&j);
	return file_write(path, str_cstr(&out), out.len, &e);
}

static pid_t measured;

static void hand_on(int sig)
{
	if (measured > 0)
		kill(measured, sig);
}

static int measure(const struct request *q)
{
	struct sigaction on = { .sa_handler = hand_on }, plain = { .sa_handler = SIG_DFL };
	struct rusage u;
	int64_t from;
	int status, started[2];
	char byte;

	if (pipe2(started, O_CLOEXEC) < 0)
		return fail("pipe", 125);
	measured = fork();
	if (measured == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		_exit(become(q));
	}
	if (measured < 0)
		return fail("fork", 125);
	close(started[1]);
	while (read(started[0], &byte, 1) < 0 && errno == EINTR)
		; /* its end closes when the command takes the child's place: what the sandbox costs is not the command's */
	from = clock_mono_ns();
	sigaction(SIGTERM, &on, NULL);
	sigaction(SIGINT, &on, NULL);
	sigaction(SIGHUP, &on, NULL);
	while (wait4(measured, &status, 0, &u) < 0)
		if (errno != EINTR)
			return fail("wait", 125);
	if (write_measure(q->measure, clock_mono_ns() - from, &u) < 0)
		return fail(q->measure, 125);
	if (WIFSIGNALED(status)) { /* ended as it was */
		setrlimit(RLIMIT_CORE, &(struct rlimit){ 0, 0 });
		sigaction(WTERMSIG(status), &plain, NULL);
		raise(WTERMSIG(status));
	}
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int main(int argc, char **argv)
{
	struct request q = { 0 };
	int i = 1;

	if (argc == 2 && strcmp(argv[1], "--probe") == 0)
		return probe();
	for (; i < argc && strcmp(argv[i], "--") != 0; i++) {
		if (strcmp(argv[i], "--no-network") == 0)
			q.no_network = true;
		else if (strcmp(argv[i], "--require") == 0)
			q.require = true;
		else if (strcmp(argv[i], "--writes") == 0 && i + 1 < argc)
			strv_add(&q.writes, argv[++i]);
		else if (strcmp(argv[i], "--measure") == 0 && i + 1 < argc)
			q.measure = argv[++i];
		else
			break;
	}
	if (i + 1 >= argc || strcmp(argv[i], "--") != 0) {
		fputs("spec-runner: sandbox: usage: spec-runner-sandbox [--writes DIR]... [--no-network] [--require]"
		      " [--measure FILE] -- CMD [ARG...], or --probe\n", stderr);
		return 2;
	}
	q.argv = argv + i + 1;
	if ((i = isolate(&q)) != 0)
		return i;
	return q.measure ? measure(&q) : become(&q);
}
