/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"
#include "base/fd.h"
#include "base/json_write.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "trace/journal_fault.h"
#include "trace/cursor.h"
#include "trace/record.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#define MESSAGE_MAX_BYTES 4096

static void random_bytes(void *p, size_t n)
{
	/* Up to 256 bytes come whole; before the pool is ready the clock must do. */
	if (getrandom(p, n, GRND_NONBLOCK) != (ssize_t)n) {
		uint64_t x = (uint64_t)clock_real_ns() * 0x9e3779b97f4a7c15u + (uint64_t)getpid();

		for (size_t i = 0; i < n; i++, x = x * 6364136223846793005u + 1442695040888963407u)
			((uint8_t *)p)[i] = (uint8_t)(x >> 56);
	}
}

void run_id_make(char out[RUN_ID_SIZE], int64_t real_ns)
{
	struct clock_utc u;
	uint32_t r;

	random_bytes(&r, sizeof(r));
	clock_utc(&u, real_ns);
	snprintf(out, RUN_ID_SIZE, "run-%04d%02d%02dT%02d%02d%02dZ-%08x", u.year % 10000, u.month % 100,
		 u.day % 100, u.hour % 100, u.minute % 100, u.second % 100, r);
}

static void header_fill(struct journal_header *h, const struct trace_meta *m)
{
	static const uint8_t none[16];
	struct { uint64_t base; uint8_t id[16]; } rnd;

	random_bytes(&rnd, sizeof(rnd));
	h->level = (uint32_t)m->level;
	h->owner_pid = getpid();
	h->start_real_ns = m->start_real_ns;
	h->start_mono_ns = m->start_mono_ns;
	h->span_base = rnd.base;
	snprintf(h->run_id, sizeof(h->run_id), "%s", m->run_id);
	memcpy(h->trace_id, memcmp(m->trace_id, none, 16) ? m->trace_id : rnd.id, 16);
	memcpy(h->parent_id, m->parent_id, sizeof(h->parent_id));
}

static bool has_control(const char *s)
{
	while (*s && (unsigned char)*s >= 0x20 && *s != 0x7f)
		s++;
	return *s != '\0';
}

/* One argument as a shell would need it. */
static void add_shell_word(struct str *out, const char *s)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./=:,@%+";

	str_addc(out, ' ');
	if (*s && !s[strspn(s, plain)]) {
		str_add(out, s);
		return;
	}
	if (has_control(s)) { /* on one line, and still the same argument */
		str_add(out, "$'");
		for (; *s; s++)
			if ((unsigned char)*s < 0x20 || *s == 0x7f)
				str_addf(out, "\\x%02x", (unsigned char)*s);
			else
				str_addf(out, *s == '\'' || *s == '\\' ? "\\%c" : "%c", *s);
		str_addc(out, '\'');
		return;
	}
	str_addc(out, '\'');
	for (; *s; s++)
		if (*s == '\'')
			str_add(out, "'\\''");
		else
			str_addc(out, *s);
	str_addc(out, '\'');
}

/* A record of ready attrs and text outside any span. */
static int put_meta(struct trace *t, enum rec_type type, const struct str *attrs, const struct str *text)
{
	struct journal_rec *r = journal_reserve(&t->journal, type, attrs->len, text->len, true);

	if (!r)
		return -1;
	memcpy(journal_rec_body(r, type), str_cstr(attrs), attrs->len);
	memcpy(journal_rec_body(r, type) + attrs->len, str_cstr(text), text->len);
	journal_commit(&t->journal, r, type);
	return 0;
}

static int put_command(struct trace *t, const struct trace_meta *m)
{
	auto_str attrs = STR_INIT, line = STR_INIT, clean = STR_INIT;
	static char *const none[] = { NULL };
	struct strv args = STRV_INIT;
	struct json j;

	redact_argv(t->redactor, m->args ? m->args : none, &args);
	json_init(&j, &attrs);
	json_str(&j, "command", m->command);
	json_array(&j, "args");
	str_addf(&line, "spec-runner %s", m->command);
	for (size_t i = 0; i < args.n; i++) {
		json_str(&j, NULL, args.v[i]);
		add_shell_word(&line, args.v[i]);
	}
	json_array_end(&j);
	json_finish(&j);
	utf8_add_clean(&clean, str_cstr(&line), line.len);
	strv_release(&args);
	return put_meta(t, REC_META, &attrs, &clean);
}

static int put_environment(struct trace *t, const struct trace_meta *m)
{
	auto_str attrs = STR_INIT, root = STR_INIT, clean = STR_INIT, profile = STR_INIT;
	static char *const none[] = { NULL };
	const char *environment = m->environment_json ? m->environment_json : "{}";
	struct json j;

	redact_env_profile(t->redactor, m->envp ? m->envp : none, &profile);
	json_init(&j, &attrs);
	json_raw(&j, "env_profile", str_cstr(&profile), profile.len);
	json_raw(&j, "environment", environment, strlen(environment));
	json_finish(&j);
	redact_text(t->redactor, m->root ? m->root : "", m->root ? strlen(m->root) : 0, &root);
	utf8_add_clean(&clean, str_cstr(&root), root.len);
	return put_meta(t, REC_ENVIRONMENT, &attrs, &clean);
}

int trace_open(struct trace **out, const char *path, const struct trace_meta *m, struct redactor *r,
	       struct err *e)
{
	struct trace *t = xcalloc(1, sizeof(*t));

	BUG_ON(!r || !run_id_valid(m->run_id));
	t->redactor = r;
	t->level = m->level;
	spans_init(&t->spans);
	if (journal_create(&t->journal, path, e) < 0) {
		free(t);
		return -1;
	}
	header_fill(t->journal.hdr, m);
	if (put_command(t, m) < 0 || put_environment(t, m) < 0) {
		errno = t->journal.hdr->error ? t->journal.hdr->error : E2BIG;
		err_sys(e, "writing journal '%s'", path ? path : "in memory");
	} else if (journal_expose(&t->journal, e) == 0) {
		*out = t;
		return 0;
	}
	trace_close(t, true);
	return -1;
}

int trace_publish(struct trace *t, const char *path, struct err *e)
{
	return journal_publish(&t->journal, path, e);
}

/* Reads the journal to its end. 0, or -1 where not even its header can be read. */
static int replay(struct trace *t, int fd, uint64_t *pos, struct journal_header *h, struct err *e)
{
	struct cursor c;
	struct record r;

	if (journal_read_header(fd, h, e) < 0)
		return -1;
	cursor_init(&c, fd);
	*pos = c.pos;
	while (cursor_next(&c, &r) == 1 && spans_replay(&t->spans, &r.head, r.off) == 0)
		*pos = c.pos;
	cursor_release(&c);
	return 0;
}

int trace_attach(struct trace **out, int fd, struct redactor *redactor, struct err *e)
{
	auto_close int file = journal_follow(fd, O_RDWR);
	struct trace *t = xcalloc(1, sizeof(*t));
	int use = file >= 0 ? file : fd;
	struct journal_header h;
	uint64_t pos;

	BUG_ON(!redactor);
	/* If the dead writer's lock is not free yet, one of ours still holds it for us. */
	if (file >= 0)
		(void)journal_lock(file);
	spans_init(&t->spans);
	t->redactor = redactor;
	if (replay(t, use, &pos, &h, e) < 0 || journal_attach(&t->journal, use, pos, e) < 0) {
		spans_release(&t->spans);
		free(t);
		return -1;
	}
	t->level = (enum level)h.level;
	t->finished = h.finished;
	*out = t;
	return 0;
}

int trace_fd(const struct trace *t) { return t->journal.fd; }
const char *trace_path(const struct trace *t) { return t->journal.path; }
const char *trace_run_id(const struct trace *t) { return t->journal.hdr->run_id; }
uint64_t trace_bytes(const struct trace *t)
{
	return t->journal.pos;
}

int trace_error(const struct trace *t) { return journal_faulted() ? EIO : t->journal.hdr->error; }
enum level trace_level(const struct trace *t) { return t->level; }
struct trace_totals *trace_totals(struct trace *t) { return &t->journal.hdr->totals; }

void trace_progress(struct trace *t, const char *what, int64_t at_ns)
{
	struct journal_header *h = t->journal.hdr;
	int64_t idle = at_ns - h->totals.last_progress_ns;

	if (idle > h->longest_idle_ns)
		h->longest_idle_ns = idle;
	h->totals.last_progress_ns = at_ns;
	snprintf(h->totals.last_progress, sizeof(h->totals.last_progress), "%s", what);
}

void trace_set_level(struct trace *t, enum level level)
{
	t->level = level;
	t->journal.hdr->level = (uint32_t)level;
}

/* Since the run began; never before the record before it, never behind the root's end. */
static int64_t trace_time(const struct trace *t, int64_t now_ns)
{
	int64_t ns = now_ns - t->journal.hdr->start_mono_ns;

	if (t->spans.root_end_ns >= 0)
		return t->spans.root_end_ns;
	return ns > t->spans.last_ns ? ns : t->spans.last_ns;
}

span_id trace_span_begin(struct trace *t, span_id parent, enum span_name name, const char *phase,
			 int64_t now_ns, const struct attrs *a)
{
	size_t attrs_n = a ? a->json.len : 0, phase_n;
	span_id id = t->spans.last + 1;
	struct journal_rec *r;

	BUG_ON((name == SPAN_RUN_TOTAL) != (id == 1));
	if (t->finished || (id > 1 && !t->spans.n))
		return 0;
	if (!phase)
		phase = strrchr(span_name_text[name], '.') + 1;
	phase_n = strlen(phase);
	BUG_ON(!utf8_valid(phase, phase_n));
	r = journal_reserve(&t->journal, REC_BEGIN, attrs_n, phase_n, false);
	if (!r)
		return 0;
	r->span = id;
	r->kind = (uint8_t)name;
	r->ts_ns = trace_time(t, now_ns);
	r->parent = id == 1 ? 0 : spans_nearest(&t->spans, parent);
	if (attrs_n)
		memcpy(journal_rec_body(r, REC_BEGIN), a->json.data, attrs_n);
	memcpy(journal_rec_body(r, REC_BEGIN) + attrs_n, phase, phase_n);
	spans_begin(&t->spans, id, r->parent, journal_offset(&t->journal));
	t->spans.last_ns = r->ts_ns;
	journal_commit(&t->journal, r, REC_BEGIN);
	return id;
}

struct ending {
	enum span_status status;
	enum err_category category;
	enum token token;
	int64_t now_ns;
	const char *message; /* clean */
	size_t message_n;
};

static void put_end(struct trace *t, const struct open_span *o, const struct ending *g, const struct attrs *a)
{
	size_t attrs_n = a ? a->json.len : 0;
	struct journal_rec *r = journal_reserve(&t->journal, REC_END, attrs_n, g->message_n, true);
	int64_t ts_ns = trace_time(t, g->now_ns);
	span_id id = o->id;

	if (r) {
		r->span = id;
		r->ts_ns = ts_ns;
		r->status = (uint8_t)g->status;
		r->category = (uint8_t)g->category;
		r->token = (uint8_t)g->token;
		if (attrs_n)
			memcpy(journal_rec_body(r, REC_END), a->json.data, attrs_n);
		if (g->message_n)
			memcpy(journal_rec_body(r, REC_END) + attrs_n, g->message, g->message_n);
		journal_link(&t->journal, o->begin_off, journal_offset(&t->journal));
		journal_commit(&t->journal, r, REC_END);
	}
	t->spans.last_ns = ts_ns;
	spans_end(&t->spans, id);
	if (id == 1)
		t->spans.root_end_ns = ts_ns;
}

void trace_span_end(struct trace *t, span_id id, enum span_status status, enum err_category category,
		    const char *message, enum token token, int64_t now_ns, const struct attrs *a)
{
	struct ending g = { status, category, token, now_ns, NULL, 0 };
	auto_str redacted = STR_INIT, clean = STR_INIT;
	size_t i = t->spans.n;

	if (t->finished || !spans_find(&t->spans, id))
		return;
	if (category == CATEGORY_NONE && token != TOKEN_NONE)
		g.category = CATEGORY_WATCHDOG;
	if (g.category != CATEGORY_NONE) {
		const char *text = message ? message : category_text[g.category];

		redact_text(t->redactor, text, strlen(text), &redacted);
		utf8_add_clean(&clean, str_cstr(&redacted), redacted.len);
		g.message = str_cstr(&clean);
		g.message_n = utf8_cut(g.message, clean.len, MESSAGE_MAX_BYTES);
	}
	/* Descendants have higher numbers: from the back, children go before their parents. */
	while (i-- > 0 && t->spans.v[i].id > id)
		if (spans_below(&t->spans, &t->spans.v[i], id))
			put_end(t, &t->spans.v[i], &g, NULL);
	put_end(t, spans_find(&t->spans, id), &g, a);
}

bool trace_span_is_open(const struct trace *t, span_id id)
{
	return spans_find((struct spans *)&t->spans, id) != NULL;
}

/* head: members that go before those of a. */
static void put_event(struct trace *t, span_id span, enum event_kind kind, enum token token,
		      int64_t now_ns, const char *head, size_t head_n, const struct attrs *a)
{
	size_t n = a ? a->json.len : 0, comma = head_n && n;
	struct journal_rec *r;
	char *body;

	if (t->finished || event_kind_level[kind] > t->level || !t->spans.last)
		return;
	r = journal_reserve(&t->journal, REC_EVENT, head_n + comma + n, 0, false);
	if (!r)
		return;
	span = spans_nearest(&t->spans, span);
	r->span = span ? span : 1;
	r->ts_ns = trace_time(t, now_ns);
	r->kind = (uint8_t)kind;
	r->token = (uint8_t)token;
	body = journal_rec_body(r, REC_EVENT);
	if (head_n)
		memcpy(body, head, head_n);
	if (comma)
		body[head_n] = ',';
	if (n)
		memcpy(body + head_n + comma, a->json.data, n);
	t->spans.last_ns = r->ts_ns;
	journal_commit(&t->journal, r, REC_EVENT);
}

void trace_event(struct trace *t, span_id span, enum event_kind kind, int64_t now_ns, const struct attrs *a)
{
	put_event(t, span, kind, TOKEN_NONE, now_ns, NULL, 0, a);
}

void trace_watchdog(struct trace *t, span_id span, enum token token, int64_t now_ns, const struct attrs *a)
{
	char head[80];
	int n = snprintf(head, sizeof(head), "\"reason_token\":\"%s\"", token_text[token]);

	put_event(t, span, EVENT_WATCHDOG, token, now_ns, head, (size_t)n, a);
}

void trace_checkpoint_named(struct trace *t, span_id span, const char *name, int64_t now_ns, const struct attrs *a)
{
	str_reset(&t->scratch);
	str_add(&t->scratch, "\"event\":");
	json_add_string(&t->scratch, name, strlen(name));
	put_event(t, span, EVENT_CHECKPOINT, TOKEN_NONE, now_ns, t->scratch.data, t->scratch.len, a);
}

void trace_checkpoint(struct trace *t, span_id span, enum checkpoint checkpoint, int64_t now_ns, const struct attrs *a)
{
	trace_checkpoint_named(t, span, checkpoint_text[checkpoint], now_ns, a);
}

/* The `error` of a span that was open when the run ended. */
static enum err_category category_of(enum span_status status, int exit_code)
{
	switch (status) {
	case STATUS_OK: return CATEGORY_NONE;
	case STATUS_CANCELLED: return CATEGORY_CANCELLED;
	case STATUS_TIMEOUT:
	case STATUS_STALLED: return CATEGORY_WATCHDOG;
	default: return exit_code == 125 ? CATEGORY_INTERNAL : CATEGORY_EXIT;
	}
}

void trace_finish(struct trace *t, bool pass, int exit_code, enum span_status open_status, int64_t now_ns)
{
	struct journal_header *h = t->journal.hdr;
	char message[64];

	if (t->finished)
		return;
	snprintf(message, sizeof(message), "open when the run ended with exit code %d", exit_code);
	while (t->spans.n)
		trace_span_end(t, t->spans.v[0].id, open_status, category_of(open_status, exit_code),
			       message, TOKEN_NONE, now_ns, NULL);
	h->pass = pass;
	h->exit_code = exit_code;
	h->open_status = (uint32_t)open_status;
	h->end_ns = now_ns - h->start_mono_ns > t->spans.last_ns ? now_ns - h->start_mono_ns : t->spans.last_ns;
	__atomic_store_n(&h->finished, 1, __ATOMIC_RELEASE);
	t->finished = true;
}

void trace_span_text(const struct trace *t, span_id id, char out[SPAN_TEXT_SIZE])
{
	snprintf(out, SPAN_TEXT_SIZE, "%016llx", (unsigned long long)(t->journal.hdr->span_base + id));
}

int64_t trace_ts_ns(const struct trace *t, int64_t now_ns)
{
	return trace_time(t, now_ns);
}

void trace_traceparent(const struct trace *t, span_id id, char out[TRACEPARENT_SIZE])
{
	const struct journal_header *h = t->journal.hdr;
	size_t n = 3;

	memcpy(out, "00-", 3);
	for (int i = 0; i < 16; i++)
		n += (size_t)snprintf(out + n, 3, "%02x", h->trace_id[i]);
	snprintf(out + n, TRACEPARENT_SIZE - n, "-%016llx-01", (unsigned long long)(h->span_base + id));
}

void trace_close(struct trace *t, bool unlink_journal)
{
	if (!t)
		return;
	journal_close(&t->journal, unlink_journal);
	spans_release(&t->spans);
	str_release(&t->scratch);
	free(t);
}
