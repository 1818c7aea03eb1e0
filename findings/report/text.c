/* SPDX-License-Identifier: Apache-2.0 */
/* text.c - what the formats share. */
#include "findings/report.h"

#include "base/mem.h"
#include "base/utf8.h"
#include "base/value.h"

#include <string.h>

void report_add_line(struct str *out, const char *s, size_t max)
{
	size_t n = strlen(s), cut = utf8_cut(s, n, max);

	utf8_add_plain(out, s, cut);
	if (cut < n)
		str_add(out, "…");
}

void report_add_code(struct str *out, const char *s)
{
	auto_str line = STR_INIT;
	size_t longest = 0, run = 0;

	report_add_line(&line, s, 4000);
	for (const char *p = str_cstr(&line); *p; p++) {
		run = *p == '`' ? run + 1 : 0;
		longest = run > longest ? run : longest;
	}
	if (!line.len) {
		str_add(out, "(empty)");
		return;
	}
	for (size_t i = 0; i <= longest; i++)
		str_addc(out, '`');
	/* A space keeps a backtick at the edge apart from the fence. */
	if (longest)
		str_addc(out, ' ');
	str_addn(out, line.data, line.len);
	if (longest)
		str_addc(out, ' ');
	for (size_t i = 0; i <= longest; i++)
		str_addc(out, '`');
}

static bool is_alnum_byte(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c & 0x80);
}

void report_add_text(struct str *out, const char *s)
{
	auto_str line = STR_INIT;

	report_add_line(&line, s, 4000);
	for (size_t i = 0; i < line.len; i++) {
		char c = line.data[i];
		bool inside = i && is_alnum_byte(line.data[i - 1]) && is_alnum_byte(line.data[i + 1]);

		if (strchr("\\`*<>[]|", c) || (c == '_' && !inside) || ((c == '#' || c == '!') && i == 0))
			str_addc(out, '\\');
		str_addc(out, c);
		/* "@name" would call somebody; a comment that no reader sees keeps the two apart */
		if (c == '@' && !(i && is_alnum_byte(line.data[i - 1])) && is_alnum_byte(line.data[i + 1]))
			str_add(out, "<!-- -->");
	}
}

void report_add_value(struct str *out, const struct evidence *ev)
{
	fact_value_add(out, ev->col, &ev->value);
	if (*fact_columns[ev->col].unit)
		str_addf(out, " %s", fact_columns[ev->col].unit);
}

void report_add_source(struct str *out, const struct evidence *ev)
{
	str_add(out, ev->file);
	if (*ev->at)
		str_addf(out, "#%s", ev->at);
}

const struct evidence *report_evidence(const struct finding *x, const char *column)
{
	for (size_t i = 0; i < x->n_evidence; i++)
		if (strcmp(fact_columns[x->evidence[i].col].name, column) == 0)
			return &x->evidence[i];
	return NULL;
}

const char *report_ring(const struct finding *x, size_t *before)
{
	const struct evidence *ring = report_evidence(x, "ring");
	const char *at = ring && *ring->value.s ? strstr(x->summary, ring->value.s) : NULL;

	if (!at)
		return NULL;
	*before = (size_t)(at - x->summary);
	return ring->value.s;
}

size_t report_group_len(const char *name)
{
	const char *dot = strrchr(name, '.');

	return dot ? (size_t)(dot - name) : 0;
}

bool report_group_same(const struct evidence *a, const struct evidence *b)
{
	size_t n = report_group_len(a->name);

	return n == report_group_len(b->name) && strncmp(a->name, b->name, n) == 0 && strcmp(a->file, b->file) == 0 &&
	       strcmp(a->at, b->at) == 0;
}

bool report_group_begins(const struct finding *x, size_t i)
{
	for (size_t k = 0; k < i; k++)
		if (report_group_same(&x->evidence[k], &x->evidence[i]))
			return false;
	return true;
}

bool report_split_location(const char *location, char **file, int64_t *line)
{
	const char *colon, *last;

	*line = 0;
	if (!location)
		return false;
	last = strrchr(location, ':');
	if (last && value_int(last + 1, line) && *line > 0) {
		/* file:function:line or file:line; a function may hold "::", a file rarely a colon */
		colon = strchr(location, ':');
		*file = xstrndup(location, (size_t)(colon - location));
	} else {
		*line = 0;
		colon = strchr(location, ':');
		*file = colon ? xstrndup(location, (size_t)(colon - location)) : xstrdup(location);
	}
	return **file != '\0';
}

void report_add_confidence(struct str *out, const struct finding *x)
{
	str_addf(out, "%s (%.2f)", x->proved ? "confirmed" : "likely", x->confidence);
}

void report_head_read(struct report_head *h, const struct facts *f)
{
	const struct fact_row *run;

	memset(h, 0, sizeof(*h));
	h->run_id = h->command = h->args = h->status = "";
	if (!f->table[FACT_RUN].n)
		return;
	run = f->table[FACT_RUN].rows[0];
	h->run_id = fact_text(run, FC_RUN_run_id);
	h->command = fact_text(run, FC_RUN_command);
	h->args = fact_text(run, FC_RUN_args);
	h->status = fact_text(run, FC_RUN_status);
	h->has_exit_code = fact_get(run, FC_RUN_exit_code)->known;
	h->exit_code = fact_int(run, FC_RUN_exit_code, 0);
}

bool report_is_brief(const struct report *r, const struct finding *x)
{
	struct report_failures l;
	bool listed;

	if (!r->facts || !x->pattern->brief)
		return false;
	report_failures_get(&l, r->facts);
	listed = l.total > 0;
	report_failures_release(&l);
	return listed;
}

bool report_has_news(const struct report *r)
{
	struct report_failures l;
	bool news;

	report_failures_get(&l, r->facts);
	news = l.total > 0;
	report_failures_release(&l);
	for (size_t i = 0; i < r->findings->n; i++)
		news |= !r->findings->v[i]->pattern->brief;
	return news;
}
