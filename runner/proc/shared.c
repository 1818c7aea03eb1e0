/* SPDX-License-Identifier: Apache-2.0 */
#include "runner/proc/shared.h"

#include "base/clock.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>

/* Nothing that the kernel does at most once in a clone takes as long. */
#define STARTING_NS (1 * NS_PER_S)

struct shared *shared_new(size_t tail_bytes, struct err *e)
{
	size_t want = tail_bytes + SHARED_CONTEXT_BYTES + SHARED_READ_BYTES;
	size_t ring = 512 * 1024;
	size_t head = (sizeof(struct shared) + 4095) & ~(size_t)4095;
	struct shared *s;
	void *p;

	while (ring < want)
		ring *= 2;
	p = mmap(NULL, head + ring * STREAM_COUNT, PROT_READ | PROT_WRITE,
		 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (p == MAP_FAILED) {
		err_sys(e, "mapping %zu bytes for the output rings", head + ring * STREAM_COUNT);
		return NULL;
	}
	s = p;
	s->ring_bytes = ring;
	atomic_store(&s->pulse.must_ns, TIME_NEVER);
	for (int i = 0; i < STREAM_COUNT; i++)
		s->ring_data[i] = (unsigned char *)p + head + ring * (size_t)i;
	return s;
}

/* The kernel writes the pid before we know that there is one: whoever reads both in between must take it for ours. */
void shared_command_starting(struct shared *s)
{
	atomic_store(&s->command_boot_ns, clock_boot_ns() + STARTING_NS);
}

void shared_command_started(struct shared *s, pid_t pid)
{
	atomic_store(&s->command_boot_ns, clock_boot_ns());
	atomic_store(&s->command_pid, pid);
}

int msg_send(int sock, enum msg_kind kind, int value, const void *text, size_t len, int fd)
{
	struct msg m = { .kind = (int32_t)kind, .value = value };
	char control[CMSG_SPACE(sizeof(int))];
	struct iovec iov = { &m, offsetof(struct msg, text) };
	struct msghdr h = { .msg_iov = &iov, .msg_iovlen = 1 };
	ssize_t n;

	if (sock < 0)
		return -1;
	if (len > sizeof(m.text) - 1)
		len = sizeof(m.text) - 1;
	m.len = (uint32_t)len;
	if (len)
		memcpy(m.text, text, len);
	iov.iov_len += len;
	if (fd >= 0) {
		struct cmsghdr *c;

		memset(control, 0, sizeof(control));
		h.msg_control = control;
		h.msg_controllen = sizeof(control);
		c = CMSG_FIRSTHDR(&h);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(c), &fd, sizeof(int));
	}
	do
		n = sendmsg(sock, &h, MSG_NOSIGNAL | MSG_DONTWAIT);
	while (n < 0 && errno == EINTR);
	return n < 0 ? -1 : 0;
}

int msg_recv(int sock, struct msg *m, int *fd)
{
	char control[CMSG_SPACE(sizeof(int))];
	struct iovec iov = { m, sizeof(*m) };
	struct msghdr h = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control,
			    .msg_controllen = sizeof(control) };
	struct cmsghdr *c;
	ssize_t n;

	*fd = -1;
	do
		n = recvmsg(sock, &h, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return errno == EAGAIN ? 0 : -1;
	c = CMSG_FIRSTHDR(&h);
	if (c && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS &&
	    c->cmsg_len == CMSG_LEN(sizeof(int)))
		memcpy(fd, CMSG_DATA(c), sizeof(int));
	if (n == 0)
		return -1;
	if ((size_t)n < offsetof(struct msg, text) || m->len > (size_t)n - offsetof(struct msg, text))
		m->len = 0;
	m->text[m->len < sizeof(m->text) ? m->len : sizeof(m->text) - 1] = '\0';
	return 1;
}

int msg_send_look(int sock, const struct msg_look *look)
{
	size_t bytes = offsetof(struct msg_look, root) + look->n * sizeof(look->root[0]);

	return msg_send(sock, MSG_DIAGNOSE, look->id, look, bytes, -1);
}

bool msg_look_of(const struct msg *m, struct msg_look *look)
{
	size_t head = offsetof(struct msg_look, root);

	if (m->kind != MSG_DIAGNOSE || m->len < head || m->len > sizeof(*look))
		return false;
	memcpy(look, m->text, m->len);
	return look->n && look->n <= MSG_LOOK_ROOTS && m->len == head + look->n * sizeof(look->root[0]);
}

int msg_send_emit(int sock, const char *name, const char *json, size_t json_len)
{
	char text[MSG_TEXT_MAX];
	size_t n = strlen(name) + 1;

	if (n + json_len >= sizeof(text))
		return -1;
	memcpy(text, name, n);
	memcpy(text + n, json, json_len);
	return msg_send(sock, MSG_EMIT, 0, text, n + json_len, -1);
}

bool msg_emit_of(const struct msg *m, const char **name, const char **json)
{
	const char *nul = memchr(m->text, '\0', m->len);

	*name = m->text;
	*json = nul ? nul + 1 : NULL;
	return m->kind == MSG_EMIT && nul;
}
