/* SPDX-License-Identifier: Apache-2.0 */
#include "runner/proc/look.h"

#include "base/clock.h"
#include "base/fd.h"
#include "base/mem.h"
#include "profile/snapshot/agent.h"
#include "runner/proc/helper.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

/* How long the end of a look may wait for its thread, which has nothing more to do then. */
#define LOOK_END_NS (20 * NS_PER_MS)

struct look {
	pthread_t thread;
	_Atomic int link;     /* where records go; -1: nowhere any more */
	_Atomic int users;    /* the front and the thread: the last one frees */
	struct pid_list roots;
	struct agent_task task;
};

/* A thread that the kernel keeps (a process that hangs in its memory's lock) is one; there shall not be two. */
static _Atomic int threads_alive;

static void look_put(struct look *l)
{
	if (atomic_fetch_sub(&l->users, 1) != 1)
		return;
	fd_close(&l->task.sock);
	pid_list_release(&l->roots);
	free(l);
}

static void look_record(void *ctx, const char *text, size_t n)
{
	struct look *l = ctx;

	size_t name = strnlen(text, n) + 1;

	if (name <= n)
		msg_send_emit(atomic_load(&l->link), text, text + name, n - name);
}

static void *look_thread(void *arg)
{
	struct look *l = arg;

	agent_serve(&l->task);
	/* its helper must not wait for a thread that has ended */
	shutdown(l->task.sock, SHUT_RDWR);
	atomic_fetch_sub(&threads_alive, 1);
	look_put(l);
	return NULL;
}

static struct look *look_new(struct context *c, const struct msg_look *m, int sock, int64_t until_ns)
{
	struct look *l = xcalloc(1, sizeof(*l));

	for (uint32_t i = 0; i < m->n; i++)
		pid_list_add(&l->roots, m->root[i]);
	l->task = (struct agent_task){ .sock = sock, .roots = l->roots.v, .root_count = l->roots.n,
				       .deadline_ns = until_ns,
				       .intrusion = m->intrusion ? INTRUSION_MICRO_STOP : INTRUSION_READ,
				       .record = look_record, .ctx = l };
	atomic_store(&l->link, c->link);
	atomic_store(&l->users, 2);
	return l;
}

static pid_t look_helper(struct context *c, const struct msg_look *m, int out_fd, int sock, int64_t until_ns,
			 struct err *e)
{
	struct strv argv = STRV_INIT, env = STRV_INIT;
	pid_t pid;

	strv_add(&argv, "spec-runner-inspect");
	strv_take(&argv, xasprintf("--gap=%d", (int)m->again_ms));
	strv_take(&argv, xasprintf("--until=%lld", (long long)until_ns));
	if (sock >= 0)
		strv_take(&argv, xasprintf("--agent=%d", HELPER_FD));
	strv_take(&argv, xasprintf("--intrusion=%d", (int)m->intrusion));
	strv_add(&argv, "--json");
	strv_take(&argv, xasprintf("%d", (int)m->root[0]));
	helper_environment(&env, c->setup->envp, c->o);
	pid = helper_start("inspect", argv.v, env.v, out_fd, sock, true, e);
	strv_release(&env);
	strv_release(&argv);
	return pid;
}

struct look *look_start(struct context *c, const struct msg_look *m, int out_fd, int64_t until_ns, pid_t *helper,
			struct err *e)
{
	int ends[2] = { -1, -1 };
	struct look *l;

	/* Without a thread the helper looks by itself: that is enough wherever not only ancestors may. */
	if (atomic_load(&threads_alive) || socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
		ends[0] = ends[1] = -1;
	*helper = look_helper(c, m, out_fd, ends[1], until_ns, e);
	fd_close(&ends[1]);
	l = look_new(c, m, ends[0], until_ns);
	if (*helper < 0) {
		l->users = 1;
		look_put(l);
		return NULL;
	}
	atomic_fetch_add(&threads_alive, 1);
	if (ends[0] < 0 || pthread_create(&l->thread, NULL, look_thread, l) != 0) {
		atomic_fetch_sub(&threads_alive, 1);
		fd_close(&l->task.sock); /* the helper sees its end, and looks by itself */
		l->users = 1;
		l->thread = 0;
	}
	return l;
}

void look_end(struct look *l)
{
	struct timespec until;

	if (!l)
		return;
	if (l->thread) {
		clock_gettime(CLOCK_REALTIME, &until);
		until.tv_nsec += LOOK_END_NS;
		until.tv_sec += until.tv_nsec / NS_PER_S;
		until.tv_nsec %= NS_PER_S;
		if (pthread_timedjoin_np(l->thread, NULL, &until) != 0)
			pthread_detach(l->thread);
	}
	atomic_store(&l->link, -1);
	look_put(l);
}
