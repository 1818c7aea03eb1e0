/* SPDX-License-Identifier: Apache-2.0 */
/* dialect.c - the reader: lines meet the rules of the dialects that are spoken. See dialect.h.
 *
 * For speed each byte value has a list of the rules whose lines can begin with it; ordinary
 * output meets an empty list or a literal text (`has`) that is not there, and no pattern is run. The
 * lists change only when a dialect is entered or left. */
#include "liveness/dialect_int.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/nearest.h"

#include <stdlib.h>
#include <string.h>

/* A line of a real tool takes under 2,000 steps, one of DIALECT_LINE_MAX bytes a hundred times as many: three lines that
 * meet the limit take some 50 ms, then the rule is read no more. */
#define MATCH_LIMIT 1000000
#define HEAP_LIMIT_KIB 8192
#define JIT_STACK_MAX ((size_t)1 << 20)

/* --- entering and leaving --- */

static bool spoken_before(const struct spoken *a, const struct spoken *b)
{
	return a->entered > b->entered;
}

static bool unmutes(const struct rule *u)
{
	return u->kind == RULE_CHOOSE || u->kind == RULE_PLAN || u->kind == RULE_TOTALS;
}

/* Failures are told behind the results, where the dialect may have been left. */
static bool is_read(const struct spoken *sp, const struct rule *u)
{
	if (u->kind == RULE_BODY || u->kind == RULE_BODY_END || u->kind == RULE_FAILURE || u->kind == RULE_DETAIL)
		return sp->told || u->enter;
	return (sp->active || u->enter) && (!sp->muted || unmutes(u));
}

/* Can its lines begin as most lines of ordinary output do? Only such a rule is worth one of the filter's bits. */
static bool begins_as_usual(const struct rule *u)
{
	return u->first[' ' / 8] & (1u << (' ' & 7)) || u->first['2' / 8] & (1u << ('2' & 7)) ||
	       u->first['[' / 8] & (1u << ('[' & 7)) || u->first['e' / 8] & (1u << ('e' & 7));
}

/* Makes the lists of rules by first byte. Happens when a dialect is entered or left, so rarely. */
static void lists_make(struct dialect_reader *r)
{
	uint16_t order[256];
	unsigned n = 0, total = 0;

	for (unsigned i = 0; i < r->n && n < 256; i++) {
		unsigned at = n++;

		total += r->spoken[i].d->rule_n;
		for (; at > 0 && spoken_before(&r->spoken[i], &r->spoken[order[at - 1]]); at--)
			order[at] = order[at - 1];
		order[at] = (uint16_t)i;
	}
	memset(r->list_n, 0, sizeof(r->list_n));
	r->filter = xrealloc(r->filter, sizeof(*r->filter));
	memset(r->filter, 0, sizeof(*r->filter));
	for (unsigned b = 0; b < 256; b++)
		r->list[b] = xreallocarray(r->list[b], total + 1, sizeof(struct candidate));
	for (unsigned k = 0; k < n; k++) {
		struct spoken *sp = &r->spoken[order[k]];

		for (unsigned u = 0; u < sp->d->rule_n; u++) {
			struct rule *rule = &sp->d->rule[u];
			struct candidate c = { 0, rule, order[k] };

			if (!is_read(sp, rule) || !rule_ready(rule))
				continue;
			for (unsigned i = 0; i < rule->has_n && begins_as_usual(rule); i++)
				c.has |= filter_add(r->filter, rule->has[i], rule->has_len[i]);
			for (unsigned b = 0; b < 256; b++)
				if (rule->first[b / 8] & (1u << (b & 7)))
					r->list[b][r->list_n[b]++] = c;
		}
	}
	r->dirty = false;
}

static void enter(struct dialect_reader *r, unsigned spoken)
{
	struct spoken *sp = &r->spoken[spoken];
	struct dialect_event ev = event_of(r, sp, DIALECT_ENTER);

	sp->left = false;
	if (sp->active)
		return;
	sp->active = true;
	sp->muted = false;
	if (!sp->told) {
		size_t n = strlen(r->argv_line);

		sp->names_at_end = !dialect_argv_names_at_start(sp->d, r->argv_line, n, r->md, r->mc);
		sp->quiet = dialect_argv_quiet(sp->d, r->argv_line, n, r->md, r->mc);
	}
	sp->entered = ++r->entries;
	spoken_reset(sp);
	if (sp->totalled) { /* another run of the same tool: it names none of these any more */
		nameless_flush(r, spoken);
		sp->totalled = false;
	}
	r->dirty = true;
	if (r->last_spoken < 0)
		r->last_spoken = (int)spoken;
	if (!sp->told)
		reader_emit(r, &ev);
	sp->told = true;
}

static void leave(struct dialect_reader *r, unsigned spoken)
{
	struct spoken *sp = &r->spoken[spoken];
	struct test *t;

	held_settle(r, spoken, 0);
	while ((t = test_latest(r, spoken)))
		test_end_silent(r, t);
	spoken_reset(sp);
	sp->left = sp->forced;
	if (sp->forced)
		return;
	sp->active = false;
	r->dirty = true;
}

static void on_cut(struct dialect_reader *r, struct spoken *sp, const struct rule *u)
{
	struct dialect_event ev = event_of(r, sp, DIALECT_RULE_CUT);

	ev.test = u->where;
	if (u->broken)
		r->dirty = true;
	reader_emit(r, &ev);
}

static void apply(struct dialect_reader *r, unsigned spoken, const struct rule *u)
{
	bool next = r->body.open && r->body.next && u->kind == RULE_END;

	if (u->kind == RULE_DETAIL) {
		on_detail(r, spoken, u);
		return;
	}
	if (!u->share && u->kind != RULE_BODY && !next)
		body_close(r);
	if (u->enter)
		enter(r, spoken);
	r->last_spoken = (int)spoken;
	rule_apply(r, spoken, u);
	if (next)
		body_close_for_last(r);
	if (u->leave || u->kind == RULE_LEAVE) {
		leave(r, spoken);
		r->spoken[spoken].muted = u->mute;
	}
}

/* --- lines --- */

/* Where the command begins in a line by which a wrapper says what it runs; 0: it is none. "> cmd" (npm, yarn), "$ cmd"
 * (pnpm, make -n), "+ cmd" (sh -x), "nox > cmd", "py311: commands[0]> cmd" (tox). */
static size_t echo_command(const struct dialect_reader *r, const char *line, size_t n)
{
	const char *p;
	size_t at = 0;

	if (n > 6 && memcmp(line, "nox > ", 6) == 0)
		return 6;
	if (r->wrapped && (p = memmem(line, n, ": commands", 10)) &&
	    (p = memmem(p, n - (size_t)(p - line), "]> ", 3)))
		return (size_t)(p - line) + 3;
	if (line[0] != '>' && line[0] != '$' && line[0] != '+')
		return 0;
	while (at < n && line[at] == line[0])
		at++;
	return at == n || line[at] != ' ' ? 0 : at + 1;
}

static void on_echo(struct dialect_reader *r, const char *line, size_t n)
{
	size_t at = echo_command(r, line, n);

	if (!at)
		return;
	for (unsigned i = 0; i < r->n; i++)
		if (!r->spoken[i].active && dialect_argv_matches(r->spoken[i].d, line + at, n - at, r->md, r->mc)) {
			enter(r, i);
			if (dialect_argv_names_at_start(r->spoken[i].d, line + at, n - at, r->md, r->mc))
				r->spoken[i].names_at_end = false;
			r->spoken[i].quiet |= dialect_argv_quiet(r->spoken[i].d, line + at, n - at, r->md, r->mc);
		}
}

/* A dialect that the user chose is never left. Behind its closing line, what a failing test printed may look like tests. */
static bool tells_test(const struct rule *u)
{
	return u->kind == RULE_START || u->kind == RULE_END || u->kind == RULE_SUITE || u->kind == RULE_PART;
}

static bool offer(struct dialect_reader *r, const char *line, size_t n)
{
	unsigned char first = (unsigned char)line[0];
	uint64_t may_hold;

	if (r->dirty)
		lists_make(r);
	if (r->list_n[first] == 0)
		return false;
	may_hold = filter_line(r->filter, line, n);
	for (unsigned i = 0; i < r->list_n[first]; i++) {
		struct candidate c = r->list[first][i];
		struct rule *u = c.rule;
		int rc;

		if ((c.has && !(c.has & may_hold)) || (r->in_partial && !u->partial))
			continue;
		if (u->kind == RULE_DETAIL && (!r->body.open || r->body.spoken != c.spoken || r->body.stream != r->stream))
			continue;
		if (r->body.open && r->spoken[c.spoken].left && tells_test(u))
			continue;
		rc = rule_match(u, line, n, r->md, r->mc);
		if (rc < 0)
			on_cut(r, &r->spoken[c.spoken], u);
		if (rc <= 0)
			continue;
		r->text = line;
		r->text_n = n;
		r->ovector = pcre2_get_ovector_pointer(r->md);
		if (u->kind == RULE_END && !u->group[G_DOTS]) {
			if (r->partial_end[r->stream] == u)
				return true; /* counted when the line was not yet whole */
			if (r->in_partial)
				r->partial_end[r->stream] = u;
		}
		apply(r, c.spoken, u);
		if (!u->share)
			return true;
	}
	return false;
}

static void on_line(void *ctx, const char *line, size_t n)
{
	struct dialect_reader *r = ctx;
	uint32_t partial = r->partial_id[r->stream];

	if (n == 0) {
		body_line(r, line, n);
		return;
	}
	r->touched = 0;
	if (!offer(r, line, n)) {
		body_line(r, line, n);
		if (line[0] == '>' || line[0] == '$' || line[0] == '+' || line[0] == 'n' || r->wrapped)
			on_echo(r, line, n);
	}
	if (partial && r->touched && r->touched != partial && r->partial_id[r->stream] == partial)
		for (struct test *t = r->running; t; t = t->next)
			if (t->id == partial) {
				test_end(r, t, DIALECT_WITHDRAWN, DIALECT_UNKNOWN, -1, true);
				break;
			}
	r->partial_id[r->stream] = 0;
	r->partial_end[r->stream] = NULL;
	for (unsigned i = 0; i < r->n; i++)
		r->spoken[i].dots[r->stream] = 0;
}

void dialect_feed(struct dialect_reader *r, int stream, const char *p, size_t n, int64_t now_ns)
{
	struct line_buffer *b;
	size_t had;

	r->stream = stream == 2;
	r->now = now_ns;
	b = &r->line[r->stream];
	had = b->len;
	lines_feed(b, p, n, on_line, r);
	r->fed_ns[r->stream] = now_ns;
	r->unsettled[r->stream] = b->len > 0 && (b->len != had || had < DIALECT_LINE_MAX);
}

int64_t dialect_settle(struct dialect_reader *r, int64_t now_ns)
{
	char rest[DIALECT_LINE_MAX];
	int64_t next = TIME_NEVER;

	for (int s = 0; s < 2; s++) {
		int64_t due = clock_add(r->fed_ns[s], DIALECT_SETTLE_NS);
		size_t n;

		if (!r->unsettled[s])
			continue;
		if (due > now_ns) {
			next = due < next ? due : next;
			continue;
		}
		r->unsettled[s] = false;
		r->stream = s;
		r->now = r->fed_ns[s];
		n = lines_rest(&r->line[s], rest);
		if (n == 0)
			continue;
		r->in_partial = true;
		offer(r, rest, n);
		r->in_partial = false;
	}
	return next;
}

void dialect_feed_end(struct dialect_reader *r, int stream, int64_t now_ns)
{
	struct line_buffer *b = &r->line[stream == 2];

	r->stream = stream == 2;
	r->now = now_ns;
	r->unsettled[r->stream] = false;
	if (b->len > 0)
		lines_feed(b, "\n", 1, on_line, r);
	if (r->body.open && r->body.stream == r->stream)
		body_close(r);
}

void dialect_flush(struct dialect_reader *r, int64_t now_ns)
{
	r->now = now_ns;
	body_close(r);
	for (unsigned i = 0; i < r->n; i++)
		nameless_flush(r, i);
}

/* --- life --- */

static void argv_join(char *const argv[], struct str *out)
{
	for (size_t i = 0; argv && argv[i] && out->len < DIALECT_LINE_MAX; i++) {
		if (i)
			str_addc(out, ' ');
		str_add(out, argv[i]);
	}
}

static int choose(struct dialect_reader *r, struct dialect_set *set, const char *choice, char *const argv[],
		  struct err *e)
{
	bool automatic = strcmp(choice, "auto") == 0;
	auto_str line = STR_INIT;
	struct nearest near;
	char hint[NEAREST_HINT_SIZE];

	argv_join(argv, &line);
	r->argv_line = xstrdup(str_cstr(&line));
	r->wrapped = strstr(r->argv_line, "tox") != NULL;
	nearest_init(&near, choice);
	r->spoken = xcalloc(set->n + 1, sizeof(*r->spoken));
	for (unsigned i = 0; i < set->n; i++) {
		struct dialect *d = set->dialect[i];

		nearest_offer(&near, d->name);
		if (!automatic && strcmp(d->name, choice) != 0)
			continue;
		r->spoken[r->n] = (struct spoken){ .d = d, .plan = -1 };
		if (!automatic || (line.len && dialect_argv_matches(d, line.data, line.len, r->md, r->mc))) {
			r->spoken[r->n].forced = !automatic;
			enter(r, r->n);
		}
		r->n++;
	}
	if (!automatic && r->n == 0)
		return err_set(e, ERR_USAGE, "no dialect '%s'%s", choice, nearest_hint(near.best, hint));
	return 0;
}

int dialect_reader_new(struct dialect_reader **out, struct dialect_set *set, const char *choice,
		       char *const argv[], dialect_event_fn *fn, void *ctx, struct err *e)
{
	struct dialect_reader *r = xcalloc(1, sizeof(*r));

	r->set = set;
	r->fn = fn;
	r->ctx = ctx;
	r->last_spoken = -1;
	r->dirty = true;
	r->md = pcre2_match_data_create(64, NULL);
	r->mc = pcre2_match_context_create(NULL);
	if (!r->md || !r->mc) {
		dialect_reader_free(r);
		return err_set(e, ERR_FAILURE, "out of memory for patterns");
	}
	pcre2_set_match_limit(r->mc, MATCH_LIMIT);
	pcre2_set_heap_limit(r->mc, HEAP_LIMIT_KIB);
	r->jit_stack = pcre2_jit_stack_create(32768, JIT_STACK_MAX, NULL);
	if (r->jit_stack) /* else PCRE2's own 32 KiB, which a long line may exceed */
		pcre2_jit_stack_assign(r->mc, NULL, r->jit_stack);
	if (choose(r, set, choice, argv, e) < 0) {
		dialect_reader_free(r);
		return -1;
	}
	*out = r;
	return 0;
}

void dialect_reader_free(struct dialect_reader *r)
{
	if (!r)
		return;
	while (r->running) {
		struct test *t = r->running;

		r->running = t->next;
		test_free(t);
	}
	for (unsigned i = 0; i < r->n; i++) {
		spoken_reset(&r->spoken[i]);
		nameless_release(&r->spoken[i]);
		free(r->spoken[i].failed);
	}
	for (unsigned b = 0; b < 256; b++)
		free(r->list[b]);
	for (int s = 0; s < 2; s++)
		lines_release(&r->line[s]);
	str_release(&r->body.text);
	free(r->filter);
	free(r->argv_line);
	if (r->md)
		pcre2_match_data_free(r->md);
	if (r->mc)
		pcre2_match_context_free(r->mc);
	if (r->jit_stack)
		pcre2_jit_stack_free(r->jit_stack);
	free(r->spoken);
	free(r);
}

/* --- questions --- */

size_t dialect_running(const struct dialect_reader *r, struct dialect_running *out, size_t max)
{
	size_t n = 0;

	for (const struct test *t = r->running; t && n < max; t = t->next)
		if (!t->paused)
			out[n++] = (struct dialect_running){ r->spoken[t->spoken].d->name, t->suite, t->name, t->file,
							     t->start_ns, t->line, t->id };
	return n;
}

/* Has a dialect that names single tests spoken? Then the files of another are no tests. */
static bool names_tests(const struct dialect_reader *r)
{
	for (unsigned i = 0; i < r->n; i++)
		for (int k = 0; k < DIALECT_RESULTS && !r->spoken[i].d->files; k++)
			if (r->spoken[i].done[k])
				return true;
	return false;
}

void dialect_counts(const struct dialect_reader *r, const char *dialect, struct dialect_counts *out)
{
	bool tests = !dialect && names_tests(r);

	*out = (struct dialect_counts){ .plan = -1 };
	for (unsigned i = 0; i < r->n; i++) {
		const struct spoken *sp = &r->spoken[i];

		if ((dialect && strcmp(dialect, sp->d->name) != 0) || (tests && sp->d->files))
			continue;
		for (int k = 0; k < DIALECT_RESULTS; k++)
			out->done[k] += sp->done[k];
		if (sp->plan >= 0)
			out->plan = (out->plan < 0 ? 0 : out->plan) + sp->plan;
		for (const struct test *t = r->running; t; t = t->next)
			out->running += t->spoken == i && !t->paused;
	}
}

const char *dialect_current(const struct dialect_reader *r)
{
	return r->last_spoken < 0 ? NULL : r->spoken[r->last_spoken].d->name;
}

bool dialect_names_at_end(const struct dialect_reader *r)
{
	return r->last_spoken >= 0 && r->spoken[r->last_spoken].names_at_end;
}

bool dialect_names_at_start(const struct dialect_reader *r)
{
	bool any = false;

	for (unsigned i = 0; i < r->n; i++) {
		if (!r->spoken[i].told)
			continue;
		if (r->spoken[i].names_at_end)
			return false;
		any = true;
	}
	return any;
}

bool dialect_closes(const struct dialect_reader *r)
{
	const struct spoken *sp = r->last_spoken < 0 ? NULL : &r->spoken[r->last_spoken];

	return sp && sp->d->closes && !sp->quiet;
}

bool dialect_torn(const struct dialect_reader *r)
{
	for (unsigned i = 0; i < r->n; i++)
		if (r->spoken[i].d->sections && (r->spoken[i].open || r->spoken[i].torn))
			return true;
	return false;
}

bool dialect_holds(const struct dialect_reader *r)
{
	return r->last_spoken >= 0 && r->spoken[r->last_spoken].held.name;
}

bool dialect_among(char *const argv[])
{
	for (size_t i = 0; argv[i]; i++) {
		const char *slash = strrchr(argv[i], '/'), *word = slash ? slash + 1 : argv[i];
		size_t n = strcspn(word, ".");

		for (unsigned k = 0; n && k < dialect_files_n; k++) {
			const char *name = strrchr(dialect_files[k].name, '/') + 1;

			if (strncmp(name, word, n) == 0 && name[n] == '.')
				return true;
		}
	}
	return false;
}

const char *dialect_never_silent(const struct dialect_reader *r)
{
	for (unsigned i = 0; i < r->n; i++)
		if (r->spoken[i].active && r->spoken[i].d->never_silent && !r->spoken[i].quiet)
			return r->spoken[i].d->name;
	return NULL;
}

void dialect_last(const struct dialect_reader *r, const char **suite, const char **test)
{
	*suite = r->last_suite;
	*test = r->last_test;
}

const char *dialect_hint(const struct dialect_reader *r)
{
	return r->last_spoken < 0 ? NULL : r->spoken[r->last_spoken].d->hint;
}
