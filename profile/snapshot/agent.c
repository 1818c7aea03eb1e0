/* SPDX-License-Identifier: Apache-2.0 */
/* agent.c - the explaining side, and the packets of both. */
#include "profile/snapshot/agent_wire.h"

#include "base/clock.h"
#include "base/fd.h"
#include "base/mem.h"
#include "profile/snapshot/agent.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>

struct agent {
	int sock;
	uint64_t serial; /* of the last stop that was asked for */
	const unsigned char *scratch; /* NULL: none came */
	int memory[AGENT_MEMORIES_MAX]; /* of the copy to come; -1 none */
};

static int agent_poll(int sock, short events, int64_t deadline_ns)
{
	struct pollfd p = { .fd = sock, .events = events };
	int64_t left = deadline_ns - clock_mono_ns();
	struct timespec ts = { left > 0 ? left / NS_PER_S : 0, left > 0 ? left % NS_PER_S : 0 };
	int n = ppoll(&p, 1, &ts, NULL);

	return n < 0 && errno == EINTR ? 1 : n;
}

int agent_send(int sock, const struct agent_packet *p, int fd, int64_t deadline_ns)
{
	union {
		struct cmsghdr head;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control = { .head = { .cmsg_len = CMSG_LEN(sizeof(int)), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS } };
	struct iovec iov = { (void *)p, offsetof(struct agent_packet, text) + p->text_bytes };
	struct msghdr h = { .msg_iov = &iov, .msg_iovlen = 1 };
	ssize_t n;

	if (fd >= 0) {
		memcpy(CMSG_DATA(&control.head), &fd, sizeof(fd));
		h.msg_control = &control;
		h.msg_controllen = sizeof(control);
	}
	for (;;) {
		n = sendmsg(sock, &h, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n >= 0)
			return 0;
		if (errno != EAGAIN && errno != EINTR)
			return -1;
		if (agent_poll(sock, POLLOUT, deadline_ns) <= 0)
			return -1;
	}
}

int agent_take(int sock, struct agent_packet *p, int *fd, int64_t deadline_ns)
{
	union {
		struct cmsghdr head;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control;
	struct iovec iov = { p, sizeof(*p) };

	*fd = -1;
	for (;;) {
		struct msghdr h = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control,
				    .msg_controllen = sizeof(control) };
		ssize_t n = recvmsg(sock, &h, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
		struct cmsghdr *c;

		if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
			int ready = agent_poll(sock, POLLIN, deadline_ns);

			if (ready <= 0)
				return ready;
			continue;
		}
		if (n <= 0)
			return -1;
		c = CMSG_FIRSTHDR(&h);
		if (c && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS && c->cmsg_len == CMSG_LEN(sizeof(int)))
			memcpy(fd, CMSG_DATA(c), sizeof(int));
		if ((size_t)n < offsetof(struct agent_packet, text) ||
		    p->text_bytes > (size_t)n - offsetof(struct agent_packet, text)) {
			fd_close(fd);
			return -1;
		}
		return 1;
	}
}

struct agent *agent_open(int sock)
{
	struct agent *a = xcalloc(1, sizeof(*a));

	a->sock = sock;
	memset(a->memory, -1, sizeof(a->memory));
	return a;
}

static void memories_close(struct agent *a)
{
	for (size_t i = 0; i < AGENT_MEMORIES_MAX; i++)
		fd_close(&a->memory[i]);
}

void agent_close(struct agent *a)
{
	if (!a)
		return;
	memories_close(a);
	if (a->scratch)
		munmap((void *)a->scratch, AGENT_SCRATCH_BYTES);
	fd_close(&a->sock);
	free(a);
}

static int copy_load(struct agent *a, struct snapshot *s, int fd, struct err *e)
{
	struct stat st;
	void *bytes;
	int rc;

	if (fstat(fd, &st) < 0 || st.st_size <= 0)
		return err_set(e, ERR_FAILURE, "a copied snapshot: it is empty");
	bytes = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (bytes == MAP_FAILED)
		return err_sys(e, "mapping a copied snapshot");
	rc = snapshot_load(s, bytes, (size_t)st.st_size, e);
	munmap(bytes, (size_t)st.st_size);
	for (size_t i = 0; rc == 0 && i < s->process_count; i++) {
		s->processes[i].peek.agent = a;
		/* the one that looks found its memory locked (or it has none): no read of it may be tried again */
		s->processes[i].peek.off = s->processes[i].maps.n == 0;
		if (i < AGENT_MEMORIES_MAX)
			s->processes[i].peek.mem_fd = fd_steal(&a->memory[i]);
	}
	return rc;
}

int agent_receive(struct agent *a, struct snapshot *s, int64_t deadline_ns, struct err *e)
{
	struct agent_packet p;
	int got;

	memories_close(a);
	for (;;) {
		auto_close int fd = -1;

		got = agent_take(a->sock, &p, &fd, deadline_ns);
		if (got <= 0)
			return err_set(e, ERR_FAILURE, got ? "the process that looks has gone" : "the copy came too late");
		if (p.word == AGENT_SCRATCH && fd >= 0 && !a->scratch) {
			void *m = mmap(NULL, AGENT_SCRATCH_BYTES, PROT_READ, MAP_SHARED, fd, 0);

			a->scratch = m == MAP_FAILED ? NULL : m;
		} else if (p.word == AGENT_MEMORY && p.number >= 0 && p.number < AGENT_MEMORIES_MAX) {
			fd_close(&a->memory[p.number]);
			a->memory[p.number] = fd_steal(&fd);
		} else if (p.word == AGENT_COPY && fd >= 0) {
			return copy_load(a, s, fd, e);
		}
	}
}

int agent_again(struct agent *a, int64_t at_ns)
{
	struct agent_packet p = { .word = AGENT_AGAIN, .number = at_ns };

	return agent_send(a->sock, &p, -1, clock_mono_ns() + NS_PER_MS);
}

void agent_record(struct agent *a, const char *text, size_t n)
{
	struct agent_packet p = { .word = AGENT_RECORD };

	if (n > sizeof(p.text))
		return;
	p.text_bytes = (uint32_t)n;
	memcpy(p.text, text, n);
	agent_send(a->sock, &p, -1, clock_mono_ns() + NS_PER_MS);
}

/* How long the other side may take: its own tries to stop a thread that has no CPU, and as much again. */
#define AGENT_STOP_NS (400 * NS_PER_MS)

/* The answer to this request; one to an earlier request, which came too late, is passed over. False, with errno. */
static bool stop_answer(struct agent *a, enum agent_word word, struct agent_packet *p, int64_t until_ns)
{
	auto_close int fd = -1;
	int got;

	do {
		fd_close(&fd);
		got = agent_take(a->sock, p, &fd, until_ns);
	} while (got > 0 && (p->word != word || p->serial != a->serial));
	errno = got == 0 ? ETIME : EPIPE;
	return got > 0;
}

int agent_stop(struct agent *a, struct snap_process *p, struct snap_thread *t, size_t stack_bytes,
	       const struct stop_also *also, int64_t *frozen_ns)
{
	struct agent_packet q = { .word = AGENT_STOP, .pid = p->pid, .tid = t->tid, .number = (int64_t)stack_bytes,
				  .hold = also != NULL, .serial = ++a->serial };
	int64_t until = clock_mono_ns() + AGENT_STOP_NS;

	errno = EPIPE;
	if (!a->scratch || agent_send(a->sock, &q, -1, until) < 0 || !stop_answer(a, AGENT_STOPPED, &q, until))
		return -1;
	if (q.error) {
		errno = (int)q.error;
		return -1;
	}
	if (q.stack_bytes == 0 || q.stack_bytes > AGENT_SCRATCH_BYTES) {
		errno = EPROTO;
		return -1;
	}
	if (also) {
		also->call(also->arg);
		q.word = AGENT_GO;
		agent_send(a->sock, &q, -1, until);
	}
	t->regs = q.regs;
	t->stack_base = q.stack_base;
	t->stack_size = (size_t)q.stack_bytes;
	t->stack = xrealloc(t->stack, t->stack_size);
	memcpy(t->stack, a->scratch, t->stack_size);
	t->ns_tid = (pid_t)q.ns_tid;
	t->switches = q.switches;
	if (!stop_answer(a, AGENT_WENT, &q, until))
		q.error = (uint32_t)errno;
	*frozen_ns = q.number;
	errno = (int)q.error;
	return q.error ? -1 : 0;
}
