/* SPDX-License-Identifier: Apache-2.0 */
/* snapshot_wire.c - a copied snapshot as bytes, from the process that may look to the one that explains.
 *
 *   "SNAPWIRE" version root at_real at_mono duration collectors… processes… "SNAPDONE"
 *
 * Every number is a word of 64 bits in the machine's order (both ends run on one machine, out of one build, which
 * the version says); a text or block is its length and its bytes, ~0 for none. What is kept is what snapshot_capture
 * makes: copies, no frames and no waits. The reader trusts nothing: a length beyond the rest, a count that could not
 * fit, a value out of range ends it with an error. */
#include "profile/snapshot/snapshot.h"

#include "base/fd.h"
#include "base/mem.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { WIRE_VERSION = 2, FLUSH_BYTES = 256 * 1024, TEXT_MAX = 65536, STACK_MAX = 8 << 20 };
static const char wire_head[8] = "SNAPWIRE", wire_tail[8] = "SNAPDONE";

/* --- writing --- */

struct writer {
	struct str out;
	int fd, failed; /* errno */
};

static void writer_flush(struct writer *w)
{
	if (!w->failed && w->out.len && fd_write_all(w->fd, w->out.data, w->out.len) < 0)
		w->failed = errno;
	str_reset(&w->out);
}

static void put_u64(struct writer *w, uint64_t v)
{
	str_addn(&w->out, &v, sizeof(v));
}

static void put_i64(struct writer *w, int64_t v)
{
	put_u64(w, (uint64_t)v);
}

static void put_block(struct writer *w, const void *p, size_t n)
{
	put_u64(w, p ? n : UINT64_MAX);
	if (!p)
		return;
	if (w->out.len + n > FLUSH_BYTES)
		writer_flush(w);
	if (n < FLUSH_BYTES)
		str_addn(&w->out, p, n);
	else if (!w->failed && fd_write_all(w->fd, p, n) < 0)
		w->failed = errno;
}

static void put_text(struct writer *w, const char *s)
{
	put_block(w, s, s ? strlen(s) : 0);
}

static void put_stat(struct writer *w, const struct proc_stat *s)
{
	const int64_t v[] = { s->pid, s->ppid, s->pgrp, s->session, s->tpgid, s->state, s->tty_nr, s->flags, s->user_ns,
			      s->system_ns, s->children_user_ns, s->children_system_ns, s->num_threads, s->start_ticks,
			      s->start_ns, s->vsize_bytes, s->rss_bytes, s->minor_faults, s->major_faults, s->processor,
			      s->blkio_ns, s->exit_status };

	put_text(w, s->comm);
	put_block(w, v, sizeof(v));
}

static void put_maps(struct writer *w, const struct maps *m)
{
	put_u64(w, m->n);
	for (size_t i = 0; i < m->n; i++) {
		const struct map_entry *e = &m->v[i];

		put_u64(w, e->start);
		put_u64(w, e->end);
		put_u64(w, e->offset);
		put_u64(w, (uint64_t)e->r | (uint64_t)e->w << 1 | (uint64_t)e->x << 2 | (uint64_t)e->deleted << 3);
		put_u64(w, e->dev_major);
		put_u64(w, e->dev_minor);
		put_u64(w, e->inode);
		put_text(w, e->path);
	}
}

static void put_thread(struct writer *w, const struct snap_thread *t)
{
	put_i64(w, t->tid);
	put_i64(w, t->ns_tid);
	put_text(w, t->name);
	put_i64(w, t->state);
	put_i64(w, t->cpu_ns);
	put_i64(w, t->run_ns);
	put_i64(w, t->switches);
	put_i64(w, t->voluntary);
	put_i64(w, t->since_ns);
	put_i64(w, t->frozen_ns);
	put_u64(w, t->intrusion);
	put_u64(w, t->status);
	put_text(w, t->reason);
	put_u64(w, t->syscall.running);
	put_i64(w, t->syscall.nr);
	put_block(w, t->syscall.arg, sizeof(t->syscall.arg));
	put_u64(w, t->syscall.sp);
	put_u64(w, t->syscall.pc);
	put_text(w, t->wchan);
	put_block(w, t->regs.r, sizeof(t->regs.r));
	put_u64(w, t->regs.have);
	put_u64(w, t->regs.pc);
	put_u64(w, t->stack_base);
	put_block(w, t->stack, t->stack_size);
}

static void put_process(struct writer *w, const struct snap_process *p)
{
	put_stat(w, &p->stat);
	put_i64(w, p->pid);
	put_i64(w, p->ns_pid);
	put_u64(w, p->uid);
	put_u64(w, p->argv.n);
	for (size_t i = 0; i < p->argv.n; i++)
		put_text(w, p->argv.v[i]);
	put_text(w, p->cwd);
	put_text(w, p->exe);
	put_u64(w, p->alive);
	put_u64(w, p->foreign_ns);
	put_u64(w, p->sig_caught);
	put_u64(w, p->sig_ignored);
	put_i64(w, p->peek.pid);
	put_maps(w, &p->maps);
	put_u64(w, p->thread_count);
	for (size_t i = 0; i < p->thread_count; i++)
		put_thread(w, &p->threads[i]);
}

int snapshot_save(const struct snapshot *s, int fd)
{
	struct writer w = { .fd = fd };

	str_addn(&w.out, wire_head, sizeof(wire_head));
	put_u64(&w, WIRE_VERSION);
	put_i64(&w, s->root);
	put_i64(&w, s->at_real_ns);
	put_i64(&w, s->at_mono_ns);
	put_i64(&w, s->duration_ns);
	put_u64(&w, s->collector_count);
	for (size_t i = 0; i < s->collector_count; i++) {
		put_u64(&w, s->collectors[i].status);
		put_u64(&w, s->collectors[i].intrusion);
		put_i64(&w, s->collectors[i].duration_ns);
		put_text(&w, s->collectors[i].reason);
	}
	put_u64(&w, s->process_count);
	for (size_t i = 0; i < s->process_count; i++)
		put_process(&w, &s->processes[i]);
	str_addn(&w.out, wire_tail, sizeof(wire_tail));
	writer_flush(&w);
	str_release(&w.out);
	errno = w.failed;
	return w.failed ? -1 : 0;
}

/* --- reading --- */

struct reader {
	const unsigned char *at, *end;
	const char *wrong; /* the first thing that was; a literal */
};

static void reader_fail(struct reader *r, const char *what)
{
	if (!r->wrong)
		r->wrong = what;
	r->at = r->end;
}

static uint64_t get_u64(struct reader *r)
{
	uint64_t v;

	if ((size_t)(r->end - r->at) < sizeof(v)) {
		reader_fail(r, "it ends too early");
		return 0;
	}
	memcpy(&v, r->at, sizeof(v));
	r->at += sizeof(v);
	return v;
}

static int64_t get_i64(struct reader *r)
{
	return (int64_t)get_u64(r);
}

static int64_t get_range(struct reader *r, int64_t least, int64_t most)
{
	int64_t v = get_i64(r);

	if (v < least || v > most) {
		reader_fail(r, "a value is out of its range");
		return least;
	}
	return v;
}

/* A count of things that take at least `each` bytes. */
static size_t get_count(struct reader *r, size_t each)
{
	uint64_t n = get_u64(r);

	if (n > (size_t)(r->end - r->at) / each) {
		reader_fail(r, "a count is greater than what follows");
		return 0;
	}
	return (size_t)n;
}

/* The block's bytes, in place; NULL for none. */
static const unsigned char *get_block(struct reader *r, size_t most, size_t *n)
{
	uint64_t len = get_u64(r);
	const unsigned char *p = r->at;

	*n = 0;
	if (len == UINT64_MAX || r->wrong)
		return NULL;
	if (len > most || len > (size_t)(r->end - r->at)) {
		reader_fail(r, "a block is longer than what follows");
		return NULL;
	}
	r->at += len;
	*n = (size_t)len;
	return p;
}

static char *get_text(struct reader *r)
{
	size_t n;
	const unsigned char *p = get_block(r, TEXT_MAX, &n);

	return p ? xstrndup((const char *)p, n) : NULL;
}

static void get_text_into(struct reader *r, char *out, size_t size)
{
	size_t n;
	const unsigned char *p = get_block(r, size - 1, &n);

	if (p)
		memcpy(out, p, n);
	out[p ? n : 0] = '\0';
}

static void get_words(struct reader *r, void *out, size_t bytes)
{
	size_t n;
	const unsigned char *p = get_block(r, bytes, &n);

	if (!p || n != bytes)
		reader_fail(r, "a block has another length than this version's");
	else
		memcpy(out, p, bytes);
}

static void get_stat(struct reader *r, struct proc_stat *s)
{
	int64_t v[22] = { 0 };

	get_text_into(r, s->comm, sizeof(s->comm));
	get_words(r, v, sizeof(v));
	s->pid = (pid_t)v[0];
	s->ppid = (pid_t)v[1];
	s->pgrp = (pid_t)v[2];
	s->session = (pid_t)v[3];
	s->tpgid = (pid_t)v[4];
	s->state = (char)v[5];
	s->tty_nr = (int)v[6];
	s->flags = (unsigned)v[7];
	s->user_ns = v[8];
	s->system_ns = v[9];
	s->children_user_ns = v[10];
	s->children_system_ns = v[11];
	s->num_threads = (int)v[12];
	s->start_ticks = v[13];
	s->start_ns = v[14];
	s->vsize_bytes = v[15];
	s->rss_bytes = v[16];
	s->minor_faults = v[17];
	s->major_faults = v[18];
	s->processor = (int)v[19];
	s->blkio_ns = v[20];
	s->exit_status = (int)(v[21] & 0xffff);
	if (s->pid <= 0 || s->user_ns < 0 || s->system_ns < 0 || s->user_ns > INT64_MAX / 4 || s->system_ns > INT64_MAX / 4)
		reader_fail(r, "invalid process record");
}

/* The paths lie behind each other in one text, as maps_parse leaves them. */
static void get_maps(struct reader *r, struct maps *m)
{
	size_t n = get_count(r, 8 * sizeof(uint64_t)), used = 0;
	auto_free size_t *path = xcalloc(n + 1, sizeof(*path));
	auto_str text = STR_INIT;

	m->v = xcalloc(n + 1, sizeof(*m->v));
	for (; used < n && !r->wrong; used++) {
		struct map_entry *e = &m->v[used];
		const unsigned char *bytes;
		uint64_t flags;
		size_t len;

		e->start = get_u64(r);
		e->end = get_u64(r);
		e->offset = get_u64(r);
		flags = get_u64(r);
		e->r = flags & 1;
		e->w = flags >> 1 & 1;
		e->x = flags >> 2 & 1;
		e->deleted = flags >> 3 & 1;
		e->dev_major = (unsigned)get_u64(r);
		e->dev_minor = (unsigned)get_u64(r);
		e->inode = get_u64(r);
		bytes = get_block(r, TEXT_MAX, &len);
		if (e->start >= e->end || (used && e->start < e[-1].end))
			reader_fail(r, "maps are not in order");
		path[used] = text.len;
		if (bytes)
			str_addn(&text, bytes, strnlen((const char *)bytes, len));
		str_addc(&text, '\0');
	}
	m->n = r->wrong ? 0 : used;
	m->text = str_steal(&text);
	for (size_t i = 0; i < m->n; i++)
		m->v[i].path = m->text + path[i];
}

static void get_thread(struct reader *r, struct snap_thread *t)
{
	const unsigned char *stack;

	t->cpu_delta_ns = t->wait.since_ns = t->wait.timeout_ns = -1;
	t->tid = (pid_t)get_range(r, 1, INT32_MAX);
	t->ns_tid = (pid_t)get_range(r, 0, INT32_MAX);
	get_text_into(r, t->name, sizeof(t->name));
	t->state = (char)get_range(r, 0, 127);
	t->cpu_ns = get_range(r, 0, INT64_MAX / 2);
	t->run_ns = get_range(r, -1, INT64_MAX / 2);
	t->switches = get_range(r, 0, INT64_MAX / 2);
	t->voluntary = get_range(r, 0, INT64_MAX / 2);
	t->since_ns = get_range(r, -1, INT64_MAX / 2);
	t->frozen_ns = get_range(r, 0, INT64_MAX / 2);
	t->intrusion = (enum intrusion)get_range(r, INTRUSION_READ, INTRUSION_LAUNCH);
	t->status = (enum collect_status)get_range(r, COLLECT_OK, COLLECT_UNAVAILABLE);
	t->reason = get_text(r);
	t->syscall.running = get_range(r, 0, 1);
	t->syscall.nr = (long)get_i64(r);
	get_words(r, t->syscall.arg, sizeof(t->syscall.arg));
	t->syscall.sp = get_u64(r);
	t->syscall.pc = get_u64(r);
	get_text_into(r, t->wchan, sizeof(t->wchan));
	get_words(r, t->regs.r, sizeof(t->regs.r));
	t->regs.have = get_u64(r);
	t->regs.pc = get_u64(r);
	t->stack_base = get_u64(r);
	stack = get_block(r, STACK_MAX, &t->stack_size);
	if (stack && t->stack_size) {
		t->stack = xmalloc(t->stack_size);
		memcpy(t->stack, stack, t->stack_size);
	}
}

static void get_process(struct reader *r, struct snap_process *p)
{
	size_t words;

	p->peek = (struct peek){ .mem_fd = -1 };
	get_stat(r, &p->stat);
	p->pid = (pid_t)get_range(r, 1, INT32_MAX);
	p->ns_pid = (pid_t)get_range(r, 0, INT32_MAX);
	p->uid = (uid_t)get_u64(r);
	words = get_count(r, sizeof(uint64_t));
	for (size_t i = 0; i < words && !r->wrong; i++) {
		char *word = get_text(r);

		strv_take(&p->argv, word ? word : xstrdup(""));
	}
	p->cwd = get_text(r);
	p->exe = get_text(r);
	p->alive = get_range(r, 0, 1);
	p->foreign_ns = get_range(r, 0, 1);
	p->sig_caught = get_u64(r);
	p->sig_ignored = get_u64(r);
	p->peek.pid = (pid_t)get_range(r, 1, INT32_MAX);
	get_maps(r, &p->maps);
	p->thread_count = get_count(r, 20 * sizeof(uint64_t));
	p->threads = xcalloc(p->thread_count + 1, sizeof(*p->threads));
	for (size_t i = 0; i < p->thread_count && !r->wrong; i++)
		get_thread(r, &p->threads[i]);
}

int snapshot_load(struct snapshot *s, const void *bytes, size_t n, struct err *e)
{
	struct reader r = { bytes, (const unsigned char *)bytes + n, NULL };
	size_t count;

	*s = (struct snapshot){ 0 };
	if (n < sizeof(wire_head) || memcmp(bytes, wire_head, sizeof(wire_head)) != 0)
		return err_set(e, ERR_FAILURE, "not a snapshot (bad magic)");
	r.at += sizeof(wire_head);
	if (get_u64(&r) != WIRE_VERSION)
		reader_fail(&r, "another version wrote it");
	s->root = (pid_t)get_range(&r, 0, INT32_MAX);
	s->at_real_ns = get_range(&r, 0, INT64_MAX / 2);
	s->at_mono_ns = get_range(&r, 0, INT64_MAX / 2);
	s->duration_ns = get_range(&r, 0, INT64_MAX / 2);
	count = get_count(&r, 4 * sizeof(uint64_t));
	for (size_t i = 0; i < count && !r.wrong; i++) {
		enum collect_status status = (enum collect_status)get_range(&r, COLLECT_OK, COLLECT_UNAVAILABLE);
		enum intrusion intrusion = (enum intrusion)get_range(&r, INTRUSION_READ, INTRUSION_LAUNCH);
		int64_t ns = get_range(&r, 0, INT64_MAX / 2);
		auto_free char *reason = get_text(&r);

		/* Only one collector's work crosses over: the one that copies. */
		snapshot_collector(s, "snapshot", status, ns, reason);
		s->collectors[s->collector_count - 1].intrusion = intrusion;
	}
	count = get_count(&r, 40 * sizeof(uint64_t));
	s->processes = xcalloc(count + 1, sizeof(*s->processes));
	for (size_t i = 0; i < count && !r.wrong; i++)
		get_process(&r, &s->processes[s->process_count++]);
	if (!r.wrong && ((size_t)(r.end - r.at) != sizeof(wire_tail) || memcmp(r.at, wire_tail, sizeof(wire_tail)) != 0))
		reader_fail(&r, "it does not end where it should");
	if (!r.wrong)
		return 0;
	snapshot_release(s);
	return err_set(e, ERR_FAILURE, "a copied snapshot: %s", r.wrong);
}
