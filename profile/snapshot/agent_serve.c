/* SPDX-License-Identifier: Apache-2.0 */
/* agent_serve.c - the looking side: a thread of a process that is an ancestor of what it looks at. */
#include "profile/snapshot/agent_wire.h"

#include "base/clock.h"
#include "base/fd.h"
#include "base/mem.h"
#include "profile/collector.h"
#include "profile/snapshot/agent.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/* Of the stacks of one copy: this process is one of the two that guard the run, and must not grow for a look. */
enum { SERVE_STACKS_BYTES = 64 << 20 };

struct server {
	const struct agent_task *task;
	struct snapshot s; /* the last copy: what may be stopped */
	unsigned char *scratch;
	int scratch_fd;
	int64_t again_ns;  /* another copy then; 0 none */
	uint64_t serial;   /* of the stop that is being made */
};

static void trees_find(const struct agent_task *task, struct pid_list *pids)
{
	for (size_t i = 0; i < task->root_count; i++)
		if (!pid_list_has(pids, task->roots[i]))
			proc_tree(task->roots[i], pids);
}

static int copy_send(struct server *v)
{
	const struct agent_task *task = v->task;
	struct agent_packet p = { .word = AGENT_MEMORY };
	auto_close int fd = memfd_create("spec-runner snapshot", MFD_CLOEXEC);

	for (size_t i = 0; i < v->s.process_count; i++) {
		int *mem = &v->s.processes[i].peek.mem_fd;

		p.number = (int64_t)i;
		if (*mem >= 0 && agent_send(task->sock, &p, *mem, task->deadline_ns) < 0)
			return -1;
		fd_close(mem);
	}
	if (fd < 0 || snapshot_save(&v->s, fd) < 0)
		return -1;
	p = (struct agent_packet){ .word = AGENT_COPY };
	return agent_send(task->sock, &p, fd, task->deadline_ns);
}

static int serve_copy(struct server *v)
{
	struct snapshot_options o = { .intrusion = v->task->intrusion, .stacks_bytes = SERVE_STACKS_BYTES,
				      .memories = AGENT_MEMORIES_MAX };
	int64_t now = clock_mono_ns();
	auto_pid_list pids = PID_LIST_INIT;
	int rc;

	o.deadline_ns = now + (v->task->deadline_ns - now) / 2; /* the rest is for explaining */

	snapshot_release(&v->s);
	trees_find(v->task, &pids);
	snapshot_capture(&v->s, pids.v, pids.n, &o);
	rc = copy_send(v);
	snapshot_drop_stacks(&v->s);
	return rc;
}

struct hold {
	struct server *v;
	struct snap_thread *t;
	bool asked, sent, in_time;
};

static void stopped_send(struct server *v, const struct snap_thread *t, int error)
{
	struct agent_packet p = { .word = AGENT_STOPPED, .error = (uint32_t)error, .serial = v->serial };

	if (!error) {
		p.regs = t->regs;
		p.stack_base = t->stack_base;
		p.stack_bytes = t->stack_size < AGENT_SCRATCH_BYTES ? t->stack_size : AGENT_SCRATCH_BYTES;
		p.ns_tid = t->ns_tid;
		p.switches = t->switches;
		memcpy(v->scratch, t->stack, p.stack_bytes);
	}
	agent_send(v->task->sock, &p, -1, v->task->deadline_ns);
}

/* While the thread stands: the helper reads what changes as it runs. */
static void hold_until_go(void *arg)
{
	struct hold *h = arg;
	int64_t until = clock_mono_ns() + AGENT_HOLD_NS;
	struct agent_packet p;
	int fd;

	if (!h->asked)
		return;
	stopped_send(h->v, h->t, 0);
	h->sent = true;
	h->in_time = agent_take(h->v->task->sock, &p, &fd, until) > 0 && p.word == AGENT_GO;
	fd_close(&fd);
}

/* Only what was copied, and is still the same process. */
static struct snap_thread *stoppable(struct server *v, const struct agent_packet *p, struct snap_process **process)
{
	struct proc_stat st;

	*process = snapshot_process(&v->s, p->pid);
	if (!*process || (*process)->peek.off || proc_stat_read(p->pid, &st) < 0 ||
	    st.start_ticks != (*process)->stat.start_ticks)
		return NULL;
	return snapshot_thread(*process, p->tid);
}

static void serve_stop(struct server *v, const struct agent_packet *p)
{
	struct snap_process *process;
	struct snap_thread *t = stoppable(v, p, &process);
	struct hold h = { .v = v, .t = t, .asked = p->hold };
	struct stop_also also = { hold_until_go, &h };
	struct agent_packet went = { .word = AGENT_WENT, .serial = p->serial };
	size_t bytes = p->number > 0 && p->number < AGENT_SCRATCH_BYTES ? (size_t)p->number : AGENT_SCRATCH_BYTES;
	int failed;

	v->serial = p->serial;
	if (!t || v->task->intrusion < INTRUSION_MICRO_STOP) {
		stopped_send(v, NULL, t ? EPERM : ESRCH);
		return;
	}
	failed = thread_stop_copy(process, t, bytes, &also, &went.number);
	if (!h.sent)
		stopped_send(v, t, failed ? errno : 0);
	mem_free_ptr(&t->stack);
	t->stack_size = 0;
	if (failed && !h.sent)
		return;
	went.error = h.asked && !h.in_time ? ETIME : 0;
	agent_send(v->task->sock, &went, -1, v->task->deadline_ns);
}

static bool serve_word(struct server *v)
{
	int64_t until = v->again_ns && v->again_ns < v->task->deadline_ns ? v->again_ns : v->task->deadline_ns;
	struct agent_packet p;
	int fd, got = agent_take(v->task->sock, &p, &fd, until);

	fd_close(&fd);
	if (got < 0)
		return false;
	if (got == 0) {
		if (!v->again_ns || clock_mono_ns() >= v->task->deadline_ns)
			return false;
		v->again_ns = 0;
		return serve_copy(v) == 0;
	}
	switch (p.word) {
	case AGENT_STOP: serve_stop(v, &p); break;
	case AGENT_AGAIN: v->again_ns = p.number > 0 ? p.number : 1; break;
	case AGENT_RECORD:
		if (v->task->record && memchr(p.text, '\0', p.text_bytes))
			v->task->record(v->task->ctx, p.text, p.text_bytes);
		break;
	default: break; /* an AGENT_GO for one that was let go already */
	}
	return true;
}

void agent_serve(const struct agent_task *task)
{
	struct server v = { .task = task, .scratch_fd = memfd_create("spec-runner stacks", MFD_CLOEXEC) };
	struct agent_packet p = { .word = AGENT_SCRATCH, .number = AGENT_SCRATCH_BYTES };

	if (v.scratch_fd >= 0 && ftruncate(v.scratch_fd, AGENT_SCRATCH_BYTES) == 0) {
		v.scratch = mmap(NULL, AGENT_SCRATCH_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, v.scratch_fd, 0);
		if (v.scratch != MAP_FAILED && agent_send(task->sock, &p, v.scratch_fd, task->deadline_ns) == 0 &&
		    serve_copy(&v) == 0)
			while (serve_word(&v))
				;
		if (v.scratch != MAP_FAILED)
			munmap(v.scratch, AGENT_SCRATCH_BYTES);
	}
	fd_close(&v.scratch_fd);
	snapshot_release(&v.s);
}
