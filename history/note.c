/* SPDX-License-Identifier: Apache-2.0 */
#include "history/note.h"

#include "base/json_write.h"
#include "base/mem.h"
#include "base/path.h"
#include "history/flaky.h"
#include "history/hangs.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define NAMED_TESTS 3
#define LOOKED_AT 64
#define REPORT_MAX_BYTES ((size_t)16 << 20)

static void note_hang(const struct note_request *q, struct str *out)
{
	auto_free char *signature = NULL;
	struct err ignored = { 0 };
	struct hangs h = { 0 };

	if (hang_of_run(q->s, q->run->run_id, &signature, &ignored) != 1)
		return;
	if (hangs_read(q->s, signature, q->run->run_id, &h, &ignored) == 0) {
		if (h.n)
			str_addf(out, "seen before: %lld times since %s (first %.10s, last %.10s), last in %s\n",
				 (long long)h.v[0].count, h.v[0].first_rev ? h.v[0].first_rev : "an unknown revision",
				 h.v[0].first_seen, h.v[0].last_seen, h.v[0].last_run_id);
		else
			str_add(out, "first time: no run of this history hung here before\n");
	}
	hangs_release(&h);
}

static void say_test(struct str *out, const struct flaky *f, const struct flaky_row *r)
{
	enum flaky_state state = flaky_state_of(&r->t);
	const char *rev = r->t.since_rev >= 0 ? f->revs[r->t.since_rev] : NULL;

	str_addf(out, "%s%s%s is %s", r->suite, *r->suite ? " " : "", r->case_id, flaky_state_text[state]);
	if (state == FLAKY_BROKEN && rev)
		str_addf(out, " since %.12s", rev);
	else if (state == FLAKY_NEW)
		str_addf(out, " (%u attempt%s)", r->t.attempts, r->t.attempts == 1 ? "" : "s");
	else
		str_addf(out, " (%u of %u attempts failed)", r->t.failures, r->t.attempts);
}

void note_tests(struct store *s, const char *run_id, uint64_t tests_failed, int64_t now_real_ns, struct str *out)
{
	auto_query *failed = NULL;
	struct err ignored = { 0 };
	int64_t numbers[LOOKED_AT];
	size_t n = 0, said = 0;
	auto_str line = STR_INIT;
	struct flaky f;

	if (!tests_failed)
		return;
	failed = query_new(s, "SELECT DISTINCT r.test_no FROM results r JOIN run_keys k ON k.run_no = r.run_no"
			   " WHERE k.run_id = ? AND r.result IN (1, 2, 5, 6) ORDER BY r.test_no LIMIT 64", &ignored);
	if (!failed)
		return;
	query_bind(failed, "t", run_id);
	while (n < LOOKED_AT && query_step(failed, &ignored) == 1)
		numbers[n++] = query_int(failed, 0);
	if (flaky_read(s, now_real_ns, numbers, n, &f, &ignored) == 0)
		for (size_t i = 0; i < f.n && said < NAMED_TESTS; i++, said++) {
			str_add(&line, said ? "; " : "");
			say_test(&line, &f, &f.rows[i]);
		}
	if (said && tests_failed > said)
		str_addf(&line, "; and %llu more", (unsigned long long)(tests_failed - said));
	if (said)
		str_addf(out, "history: %s\n", str_cstr(&line));
	flaky_release(&f);
}

static void write_json(const struct note_request *q, const char *lines)
{
	auto_free char *path = path_join(q->run->dir, "history.json");
	auto_str text = STR_INIT;
	struct err ignored = { 0 };
	struct json j;

	json_init(&j, &text);
	json_object(&j, NULL);
	json_int(&j, "version", 1);
	json_str(&j, "run_id", q->run->run_id);
	json_array(&j, "lines");
	for (const char *p = lines; *p;) {
		size_t n = strcspn(p, "\n");

		json_strn(&j, NULL, p, n);
		p += n + (p[n] == '\n');
	}
	json_array_end(&j);
	json_object_end(&j);
	json_finish(&j);
	str_addc(&text, '\n');
	file_write(path, str_cstr(&text), text.len, &ignored);
}

static void write_report(const struct note_request *q, const char *lines)
{
	auto_free char *path = path_join(q->run->dir, "report.md"), *old = NULL;
	struct err ignored = { 0 };
	auto_str text = STR_INIT;
	size_t n;

	if (file_read(path, REPORT_MAX_BYTES, &old, &n, &ignored) < 0 || strstr(old, "\n## History\n"))
		return;
	str_addn(&text, old, n);
	str_add(&text, "\n## History\n\n");
	for (const char *p = lines; *p;) {
		size_t len = strcspn(p, "\n");

		str_addf(&text, "- %.*s\n", (int)len, p);
		p += len + (p[len] == '\n');
	}
	file_write(path, str_cstr(&text), text.len, &ignored);
}

void note_write(const struct note_request *q, struct str *out)
{
	size_t from = out->len;

	if (!q->run->failed)
		return;
	note_hang(q, out);
	note_tests(q->s, q->run->run_id, q->run->tests_failed, q->now_real_ns, out);
	if (out->len == from)
		return;
	if (q->run->dir && access(q->run->dir, W_OK) == 0) {
		write_json(q, out->data + from);
		write_report(q, out->data + from);
	}
	if (q->quiet) {
		out->len = from;
		out->data[from] = '\0';
	}
}
