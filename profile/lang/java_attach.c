/* SPDX-License-Identifier: Apache-2.0 */
/* java_attach.c - HotSpot's attach protocol. A file .attach_pid<PID> in the JVM's working directory or in its /tmp, then
 * SIGQUIT: instead of printing a dump, the JVM opens the socket /tmp/.java_pid<PID>, and answers commands there. The PID is
 * the one within its namespace, the folders are those of its mounts.
 *
 * A signal that a process does not catch would end it, and one that comes to a JVM which does not listen prints the dump
 * on its standard output: nothing is sent before both are ruled out. */
#include "profile/lang/java.h"

#include "base/clock.h"
#include "base/fd.h"
#include "base/mem.h"
#include "base/str.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define ANSWER_MAX ((size_t)64 << 20)
enum { NAP_MS = 2 };

const char *java_attach_refused(const struct snap_process *p)
{
	struct java_perf perf;
	struct proc_status st;

	if (proc_status_read(p->pid, 0, &st) < 0)
		return "the process has gone";
	if (!(st.sig_caught >> (SIGQUIT - 1) & 1))
		return "it does not catch SIGQUIT (-Xrs), by which it would be asked";
	if (st.tracer_pid)
		return "another tool traces it";
	if (p->stat.state == 'T' || p->stat.state == 't')
		return "it is stopped, and could not answer";
	if (geteuid() != st.euid && geteuid() != 0)
		return "it belongs to another user";
	for (size_t i = 0; i < p->argv.n; i++)
		if (strstr(p->argv.v[i], "+DisableAttachMechanism"))
			return "it was started with -XX:+DisableAttachMechanism";
	java_perf_read(p, &perf);
	if (strstr(perf.flags, "+DisableAttachMechanism"))
		return "it was started with -XX:+DisableAttachMechanism";
	return NULL;
}

static int socket_connect(const char *path)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	int fd;

	if (strlen(path) >= sizeof(sa.sun_path))
		return -1;
	memcpy(sa.sun_path, path, strlen(path) + 1);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd >= 0 && connect(fd, (struct sockaddr *)&sa, sizeof(sa)) < 0)
		fd_close(&fd);
	return fd;
}

/* Only a socket of the JVM's own user: in a /tmp of many anybody could lay one. */
static bool socket_trusted(const char *path, uid_t uid)
{
	struct stat st;

	return lstat(path, &st) == 0 && S_ISSOCK(st.st_mode) && (st.st_uid == uid || st.st_uid == 0);
}

/* The file by which the JVM knows what the signal means. The descriptor; -1. */
static int trigger_make(const char *path, uid_t uid)
{
	int fd = open(path, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd >= 0 && geteuid() != uid && fchown(fd, uid, (gid_t)-1) < 0) {
		unlink(path);
		fd_close(&fd);
	}
	return fd;
}

static int attach_wait(const struct snap_process *p, const char *path, int64_t deadline_ns)
{
	char trigger[128];
	int fd, made;

	snprintf(trigger, sizeof(trigger), "/proc/%d/cwd/.attach_pid%d", (int)p->pid, (int)p->ns_pid);
	made = trigger_make(trigger, p->uid);
	if (made < 0) {
		snprintf(trigger, sizeof(trigger), "/proc/%d/root/tmp/.attach_pid%d", (int)p->pid, (int)p->ns_pid);
		made = trigger_make(trigger, p->uid);
	}
	if (made < 0)
		return -1;
	fd_close(&made);
	fd = -1;
	if (kill(p->pid, SIGQUIT) == 0)
		while (clock_mono_ns() < deadline_ns) {
			if (socket_trusted(path, p->uid) && (fd = socket_connect(path)) >= 0)
				break;
			poll(NULL, 0, NAP_MS);
		}
	unlink(trigger);
	return fd;
}

static bool ask(int fd, const char *command, const char *argument, int64_t deadline_ns)
{
	auto_str text = STR_INIT;
	size_t at = 0;

	/* version, command and three arguments, each ended by NUL */
	str_addn(&text, "1", 2);
	str_addn(&text, command, strlen(command) + 1);
	str_addn(&text, argument, strlen(argument) + 1);
	str_addn(&text, "\0\0", 2);
	while (at < text.len) {
		ssize_t n = send(fd, text.data + at, text.len - at, MSG_NOSIGNAL);
		struct pollfd pf = { .fd = fd, .events = POLLOUT };
		int64_t left = deadline_ns - clock_mono_ns();

		if (n > 0)
			at += (size_t)n;
		else if (n < 0 && errno != EAGAIN && errno != EINTR)
			return false;
		else if (left <= 0 || poll(&pf, 1, (int)(left / NS_PER_MS) + 1) == 0)
			return false;
	}
	return true;
}

static bool answer_read(int fd, int64_t deadline_ns, struct str *out)
{
	char buf[65536];

	while (out->len < ANSWER_MAX) {
		struct pollfd pf = { .fd = fd, .events = POLLIN };
		int64_t left = deadline_ns - clock_mono_ns();
		ssize_t n;

		if (left <= 0 || poll(&pf, 1, (int)(left / NS_PER_MS) + 1) == 0)
			return false;
		n = read(fd, buf, sizeof(buf));
		if (n < 0 && (errno == EINTR || errno == EAGAIN))
			continue;
		if (n <= 0)
			return n == 0;
		str_addn(out, buf, (size_t)n);
	}
	return false;
}

char *java_attach(const struct snap_process *p, const char *command, const char *argument, int64_t deadline_ns, size_t *n,
		  char *reason, size_t size)
{
	const char *refused = java_attach_refused(p), *line;
	auto_str answer = STR_INIT;
	auto_close int fd = -1;
	char path[96], *text;

	if (refused) {
		snprintf(reason, size, "%s", refused);
		return NULL;
	}
	snprintf(path, sizeof(path), "/proc/%d/root/tmp/.java_pid%d", (int)p->pid, (int)p->ns_pid);
	if (socket_trusted(path, p->uid))
		fd = socket_connect(path);
	if (fd < 0)
		fd = attach_wait(p, path, deadline_ns);
	if (fd < 0) {
		snprintf(reason, size, "it did not open its socket for us in time (%s)", path);
		return NULL;
	}
	if (!ask(fd, command, argument, deadline_ns) || !answer_read(fd, deadline_ns, &answer)) {
		snprintf(reason, size, "it did not answer in time: a thread that never comes to a safepoint delays it");
		return NULL;
	}
	line = answer.len ? memchr(answer.data, '\n', answer.len) : NULL;
	if (!line || answer.data[0] != '0') {
		snprintf(reason, size, "it refused the command");
		return NULL;
	}
	*n = answer.len - (size_t)(line + 1 - answer.data);
	text = xstrndup(line + 1, *n);
	return text;
}
