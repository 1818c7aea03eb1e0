/* SPDX-License-Identifier: Apache-2.0 */
#include "runner/proc/notified.h"

#include "base/clock.h"
#include "profile/proc/process.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define KNOWN_NS (200 * NS_PER_MS)
#define BURST 20
#define PER_SECOND 2
/* Of parents: deeper is nobody's tree. */
#define DEPTH_MAX 4096

ssize_t notified_receive(int fd, void *buf, size_t size, pid_t *pid, uid_t *uid)
{
	/* room for credentials and no more: descriptors that come along are closed by the kernel */
	char control[CMSG_SPACE(sizeof(struct ucred))] __attribute__((aligned(8)));
	struct iovec iov = { buf, size };
	struct msghdr h = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control) };
	struct ucred who;
	struct cmsghdr *m;
	ssize_t n;

	do
		n = recvmsg(fd, &h, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR);
	*pid = 0;
	*uid = (uid_t)-1;
	m = n < 0 ? NULL : CMSG_FIRSTHDR(&h);
	if (m && m->cmsg_level == SOL_SOCKET && m->cmsg_type == SCM_CREDENTIALS && m->cmsg_len == CMSG_LEN(sizeof(who))) {
		memcpy(&who, CMSG_DATA(m), sizeof(who));
		*pid = who.pid;
		*uid = who.uid;
	}
	return n;
}

enum sender { SENDER_OURS, SENDER_STRANGER, SENDER_GONE };

/* Up from pid by parents. */
static enum sender sender_of(pid_t pid, pid_t root)
{
	struct proc_stat st;

	for (int depth = 0; depth < DEPTH_MAX; depth++) {
		if (pid == root)
			return SENDER_OURS;
		if (pid <= 1)
			return SENDER_STRANGER;
		if (proc_stat_read(pid, &st) < 0)
			return depth ? SENDER_STRANGER : SENDER_GONE;
		pid = st.ppid;
	}
	return SENDER_STRANGER;
}

bool notified_is_ours(struct notified *n, pid_t root, pid_t pid, uid_t uid, int64_t now_ns)
{
	bool user = uid == geteuid() || uid == 0;

	if (pid <= 0)
		return user;
	if (pid == n->known && now_ns < n->known_until_ns)
		return true;
	/* a second time: the chain of parents changes while one of them dies */
	for (int attempt = 0; attempt < 2; attempt++) {
		switch (sender_of(pid, root)) {
		case SENDER_GONE: return user;
		case SENDER_STRANGER: continue;
		case SENDER_OURS:
			n->known = pid;
			n->known_until_ns = now_ns + KNOWN_NS;
			return true;
		}
	}
	return false;
}

bool notified_may_record(struct notified *n, const char *status, int64_t now_ns)
{
	if (!n->allowance_ns) {
		n->allowance = BURST;
		n->allowance_ns = now_ns;
	}
	n->allowance += (double)(now_ns - n->allowance_ns) / 1e9 * PER_SECOND;
	if (n->allowance > BURST)
		n->allowance = BURST;
	n->allowance_ns = now_ns;
	if (strcmp(status, n->last) == 0)
		return false;
	if (n->allowance < 1) {
		n->unrecorded++;
		return false;
	}
	n->allowance -= 1;
	snprintf(n->last, sizeof(n->last), "%s", status);
	return true;
}
