/* SPDX-License-Identifier: Apache-2.0 */
/* process_parse.c - /proc texts as numbers: pure functions of bytes, for tests and fuzzing. */
#include "base/clock.h"
#include "profile/proc/process.h"

#include <string.h>

/* A cursor over bytes that need no terminator. */
struct text {
	const char *at, *end;
};

static void text_blank(struct text *t)
{
	while (t->at < t->end && (*t->at == ' ' || *t->at == '\t'))
		t->at++;
}

static int digit_of(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return 99;
}

static bool text_u64(struct text *t, unsigned base, uint64_t *out)
{
	uint64_t v = 0;
	const char *first;

	text_blank(t);
	if (base == 16 && t->end - t->at > 2 && t->at[0] == '0' && t->at[1] == 'x')
		t->at += 2;
	first = t->at;
	while (t->at < t->end && (unsigned)digit_of(*t->at) < base)
		v = v * base + (unsigned)digit_of(*t->at++);
	*out = v;
	return t->at > first;
}

static bool text_i64(struct text *t, int64_t *out)
{
	bool minus;
	uint64_t v;

	text_blank(t);
	minus = t->at < t->end && *t->at == '-';
	t->at += minus;
	if (!text_u64(t, 10, &v))
		return false;
	*out = (int64_t)(minus ? -v : v);
	return true;
}

/* Clock ticks as ns. USER_HZ is 100 on every Linux of ours, but asking costs nothing. */
static int64_t ticks_ns(int64_t ticks)
{
	static long hz;

	if (!hz)
		hz = sysconf(_SC_CLK_TCK);
	return (int64_t)((uint64_t)ticks * ((uint64_t)NS_PER_S / (uint64_t)hz));
}

/* Fields 4.. of stat, by their number in proc(5). */
enum { STAT_FIRST = 4, STAT_LAST = 52 };

int proc_stat_parse(const char *buf, size_t n, struct proc_stat *s)
{
	struct text t = { buf, buf + n };
	const char *open = memchr(buf, '(', n), *close = memrchr(buf, ')', n);
	int64_t f[STAT_LAST + 1] = { 0 }, pid;
	size_t comm;

	memset(s, 0, sizeof(*s));
	if (!open || !close || close < open || !text_i64(&t, &pid) || buf + n - close < 4)
		return -1;
	/* The name may hold ") R 1": only the last bracket ends it. */
	comm = (size_t)(close - open - 1);
	if (comm >= PROC_COMM_SIZE)
		comm = PROC_COMM_SIZE - 1;
	t.at = close + 3;
	for (int i = STAT_FIRST; i <= STAT_LAST; i++)
		if (!text_i64(&t, &f[i]) && i <= 24)
			return -1;
	s->pid = (pid_t)pid;
	memcpy(s->comm, open + 1, comm);
	s->state = close[2];
	s->ppid = (pid_t)f[4];
	s->pgrp = (pid_t)f[5];
	s->session = (pid_t)f[6];
	s->tty_nr = (int)f[7];
	s->tpgid = (pid_t)f[8];
	s->flags = (unsigned)f[9];
	s->minor_faults = f[10];
	s->major_faults = f[12];
	s->children_minor_faults = f[11];
	s->children_major_faults = f[13];
	s->user_ns = ticks_ns(f[14]);
	s->system_ns = ticks_ns(f[15]);
	s->children_user_ns = ticks_ns(f[16]);
	s->children_system_ns = ticks_ns(f[17]);
	s->num_threads = (int)f[20];
	s->start_ticks = f[22];
	s->start_ns = ticks_ns(f[22]);
	s->vsize_bytes = f[23];
	s->rss_bytes = (int64_t)((uint64_t)f[24] * (uint64_t)sysconf(_SC_PAGESIZE));
	s->processor = (int)f[39];
	s->blkio_ns = ticks_ns(f[42]);
	s->exit_status = s->state == 'Z' ? (int)(f[52] & 0xffff) : 0;
	return 0;
}

int proc_sched_parse(const char *buf, size_t n, struct proc_sched *s)
{
	struct text t = { buf, buf + n };

	memset(s, 0, sizeof(*s));
	if (!text_i64(&t, &s->run_ns) || !text_i64(&t, &s->delay_ns) || !text_i64(&t, &s->slices)) {
		memset(s, 0, sizeof(*s));
		return -1;
	}
	return 0;
}

/* Finds "key" at the beginning of a line; the cursor stands behind it. */
static bool text_key(struct text *t, const char *buf, size_t n, const char *key)
{
	size_t len = strlen(key);
	const char *at = buf, *end = buf + n;

	while (at && (size_t)(end - at) >= len) {
		if (*at == *key && memcmp(at, key, len) == 0) {
			*t = (struct text){ at + len, end };
			return true;
		}
		at = memchr(at, '\n', (size_t)(end - at));
		at = at ? at + 1 : NULL;
	}
	return false;
}

static bool key_i64(const char *buf, size_t n, const char *key, int64_t *out)
{
	struct text t;

	return text_key(&t, buf, n, key) && text_i64(&t, out);
}

int proc_io_parse(const char *buf, size_t n, struct proc_io *io)
{
	memset(io, 0, sizeof(*io));
	if (!key_i64(buf, n, "rchar:", &io->rchar) || !key_i64(buf, n, "wchar:", &io->wchar))
		return -1;
	key_i64(buf, n, "syscr:", &io->syscr);
	key_i64(buf, n, "syscw:", &io->syscw);
	key_i64(buf, n, "read_bytes:", &io->read_bytes);
	key_i64(buf, n, "write_bytes:", &io->write_bytes);
	return 0;
}

/* The same from *at on, the beginning of a line, which follows: keys asked for in the kernel's order cost one pass. */
static bool text_key_next(struct text *t, const char *buf, size_t n, const char **at, const char *key)
{
	if (!text_key(t, *at, (size_t)(buf + n - *at), key) && !text_key(t, buf, n, key))
		return false;
	*at = t->at - strlen(key);
	return true;
}

static bool next_i64(const char *buf, size_t n, const char **at, const char *key, int64_t *out)
{
	struct text t;

	return text_key_next(&t, buf, n, at, key) && text_i64(&t, out);
}

static void next_mask(const char *buf, size_t n, const char **at, const char *key, uint64_t *out)
{
	struct text t;

	if (text_key_next(&t, buf, n, at, key))
		text_u64(&t, 16, out);
}

int proc_status_parse(const char *buf, size_t n, struct proc_status *s)
{
	const char *at = buf;
	struct text t;
	int64_t v;

	memset(s, 0, sizeof(*s));
	if (!next_i64(buf, n, &at, "Tgid:", &v))
		return -1;
	s->tgid = (pid_t)v;
	if (next_i64(buf, n, &at, "Pid:", &v))
		s->pid = (pid_t)v;
	if (next_i64(buf, n, &at, "TracerPid:", &v))
		s->tracer_pid = (pid_t)v;
	if (text_key_next(&t, buf, n, &at, "Uid:") && text_i64(&t, &v)) {
		s->uid = (uid_t)v;
		if (text_i64(&t, &v))
			s->euid = (uid_t)v;
	}
	s->ns_pid = s->pid;
	if (text_key_next(&t, buf, n, &at, "NSpid:"))
		while (text_i64(&t, &v))
			s->ns_pid = (pid_t)v;
	next_mask(buf, n, &at, "SigPnd:", &s->sig_pending);
	next_mask(buf, n, &at, "ShdPnd:", &s->sig_shared_pending);
	next_mask(buf, n, &at, "SigBlk:", &s->sig_blocked);
	next_mask(buf, n, &at, "SigIgn:", &s->sig_ignored);
	next_mask(buf, n, &at, "SigCgt:", &s->sig_caught);
	if (next_i64(buf, n, &at, "Seccomp:", &v))
		s->seccomp = (int)v;
	next_i64(buf, n, &at, "voluntary_ctxt_switches:", &s->voluntary);
	next_i64(buf, n, &at, "nonvoluntary_ctxt_switches:", &s->involuntary);
	return 0;
}

int proc_syscall_parse(const char *buf, size_t n, struct proc_syscall *s)
{
	struct text t = { buf, buf + n };
	int64_t nr;

	memset(s, 0, sizeof(*s));
	s->nr = -1;
	if (n >= 7 && memcmp(buf, "running", 7) == 0) {
		s->running = true;
		return 0;
	}
	if (!text_i64(&t, &nr))
		return -1;
	s->nr = (long)nr;
	for (int i = 0; nr >= 0 && i < 6; i++)
		if (!text_u64(&t, 16, &s->arg[i]))
			return -1;
	return text_u64(&t, 16, &s->sp) && text_u64(&t, 16, &s->pc) ? 0 : -1;
}

/* "12.34" as 1234. */
static bool text_percent(struct text *t, int *out)
{
	uint64_t whole, part;

	if (!text_u64(t, 10, &whole) || t->at >= t->end || *t->at != '.')
		return false;
	t->at++;
	if (!text_u64(t, 10, &part) || whole > 100 || part > 99)
		return false;
	*out = (int)(whole * 100 + part);
	return true;
}

static bool text_word(struct text *t, const char *word)
{
	size_t len = strlen(word);

	text_blank(t);
	if ((size_t)(t->end - t->at) < len || memcmp(t->at, word, len) != 0)
		return false;
	t->at += len;
	return true;
}

static bool pressure_line(const char *buf, size_t n, const char *key, int avg[3], int64_t *total_ns)
{
	struct text t;
	int64_t us;

	if (!text_key(&t, buf, n, key) || !text_word(&t, "avg10=") || !text_percent(&t, &avg[0]) ||
	    !text_word(&t, "avg60=") || !text_percent(&t, &avg[1]) || !text_word(&t, "avg300=") ||
	    !text_percent(&t, &avg[2]) || !text_word(&t, "total=") || !text_i64(&t, &us))
		return false;
	*total_ns = us < 0 || us > INT64_MAX / 1000 ? 0 : us * 1000;
	return true;
}

int proc_pressure_parse(const char *buf, size_t n, struct proc_pressure *p)
{
	int some[3] = { 0 }, full[3];

	memset(p, 0, sizeof(*p));
	p->some_total_ns = p->full_total_ns = -1;
	if (!pressure_line(buf, n, "some", some, &p->some_total_ns))
		return -1;
	pressure_line(buf, n, "full", full, &p->full_total_ns);
	p->some_avg10 = some[0];
	p->some_avg60 = some[1];
	p->some_avg300 = some[2];
	return 0;
}

void proc_children_parse(const char *buf, size_t n, struct pid_list *out)
{
	struct text t = { buf, buf + n };
	uint64_t v;

	while (text_u64(&t, 10, &v))
		if (v > 0 && v <= INT32_MAX)
			pid_list_add(out, (pid_t)v);
}

void proc_argv_split(const char *buf, size_t n, struct strv *out)
{
	const char *at = buf, *end = buf + n;

	while (at < end) {
		const char *nul = memchr(at, '\0', (size_t)(end - at));
		auto_str one = STR_INIT;

		if (!nul)
			nul = end;
		str_addn(&one, at, (size_t)(nul - at));
		strv_take(out, str_steal(&one));
		at = nul + 1;
	}
}

/* "Max open files            1024                 524288               files     " */
int64_t proc_limit_parse(const char *buf, size_t n, const char *name)
{
	size_t len = strlen(name);

	for (const char *line = buf, *end = buf + n; line < end;) {
		const char *nl = memchr(line, '\n', (size_t)(end - line)), *stop = nl ? nl : end;

		if ((size_t)(stop - line) > len && memcmp(line, name, len) == 0 && line[len] == ' ') {
			struct text t = { line + len, stop };
			uint64_t v;

			if (text_u64(&t, 10, &v))
				return v > INT64_MAX ? INT64_MAX : (int64_t)v;
			return memmem(line, (size_t)(stop - line), " unlimited ", 11) ? INT64_MAX : -1;
		}
		line = stop + 1;
	}
	return -1;
}
