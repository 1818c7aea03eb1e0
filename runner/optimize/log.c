/* SPDX-License-Identifier: Apache-2.0 */
/* log.c - loop.jsonl. The store holds each node's line with its state, so that after a crash the file is made anew: for
 * every node and iteration exactly one enter, and one leave, skip or error. */
#include "base/clock.h"
#include "base/fd.h"
#include "base/json_read.h"
#include "base/json_write.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/value.h"
#include "runner/optimize/loop.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void line(const struct loop *l, enum optimize_node node, int64_t iteration, int64_t at_ns, const char *event,
		 int64_t duration_ms, const struct optimize_result *r, struct str *out)
{
	char at[CLOCK_RFC3339_SIZE];
	struct json j;

	clock_rfc3339(at, at_ns);
	json_init(&j, out);
	json_object(&j, NULL);
	json_str(&j, "ts", at);
	json_str(&j, "run_id", l->st.run_id);
	json_int(&j, "iteration", iteration);
	json_str(&j, "node_name", optimize_node_text[node]);
	json_str(&j, "event", event);
	if (duration_ms < 0)
		json_null(&j, "duration_ms");
	else
		json_int(&j, "duration_ms", duration_ms);
	if (r) {
		const struct optimize_round *round = l->st.n_rounds ? &l->st.rounds[l->st.n_rounds - 1] : NULL;

		json_str(&j, "outcome", optimize_outcome_text[r->outcome]);
		if (node >= NODE_APPLY && node <= NODE_EVALUATE && round && round->reason[0])
			json_str(&j, "reason", round->reason);
		else if (r->outcome == OUT_SKIPPED && l->skip_reason)
			json_str(&j, "reason", l->skip_reason);
		if (l->st.stop)
			json_str(&j, "stop_reason", optimize_stop_text[l->st.stop]);
		if (l->tokens_note)
			json_raw(&j, "usage", l->tokens_note, strlen(l->tokens_note));
	}
	json_object_end(&j);
	json_finish(&j);
}

/* Both lines of a node that leaves, as a JSON list. */
void loop_log_line(const struct loop *l, enum optimize_node node, int64_t iteration, const char *event, int64_t duration_ms,
		   const struct optimize_result *r, struct str *out)
{
	int64_t now = clock_real_ns();

	str_addc(out, '[');
	line(l, node, iteration, now - duration_ms * NS_PER_MS, "enter", -1, NULL, out);
	str_addc(out, ',');
	line(l, node, iteration, now, event, duration_ms, r, out);
	str_addc(out, ']');
}

static void append(const struct loop *l, const char *text, size_t n)
{
	auto_free char *path = loop_path(l, "loop.jsonl");
	auto_close int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);

	if (fd >= 0 && fd_write_all(fd, text, n) < 0)
		return; /* made anew at the end */
}

void loop_log_enter(struct loop *l)
{
	auto_str out = STR_INIT;

	line(l, l->st.node, l->st.iteration, clock_real_ns(), "enter", -1, NULL, &out);
	str_addc(&out, '\n');
	append(l, str_cstr(&out), out.len);
}

/* Its enter line was written; list holds it again, which the file does not need. */
void loop_log_leave(struct loop *l, enum optimize_node node, int64_t iteration, const char *list)
{
	const char *second = strstr(list, "},{");

	(void)node;
	(void)iteration;
	if (second) {
		auto_str out = STR_INIT;

		str_addn(&out, second + 2, strlen(second + 2) - 1);
		str_addc(&out, '\n');
		append(l, str_cstr(&out), out.len);
	}
}

/* The lines of one row's "log". */
static void add_lines(struct str *out, const char *state)
{
	const char *log = strstr(state, "\"log\":[{"), *second, *end = log ? strrchr(state, ']') : NULL;

	second = log ? strstr(log, "},{") : NULL;
	if (!second || !end || second > end)
		return;
	str_addn(out, log + 7, (size_t)(second + 1 - (log + 7)));
	str_addc(out, '\n');
	str_addn(out, second + 2, (size_t)(end - (second + 2)));
	str_addc(out, '\n');
}

/* Nodes of one iteration, in their order. */
static void flush(struct str lines[NODE_END], struct str *out)
{
	for (int i = 0; i < NODE_END; i++) {
		str_addn(out, str_cstr(&lines[i]), lines[i].len);
		str_reset(&lines[i]);
	}
}

int loop_log_rewrite(struct loop *l, struct err *e)
{
	auto_free char *path = loop_path(l, "loop.jsonl");
	auto_query *q = query_new(l->s,
		"SELECT iteration, node, state_json FROM loop_states WHERE run_id = ? ORDER BY iteration", e);
	struct str lines[NODE_END] = { STR_INIT };
	auto_str out = STR_INIT;
	int64_t iteration = 0;
	int rc;

	if (!q)
		return -1;
	query_bind(q, "t", l->st.run_id);
	while ((rc = query_step(q, e)) == 1) {
		int node = value_word(query_text(q, 1), optimize_node_text);

		if (query_int(q, 0) != iteration)
			flush(lines, &out);
		iteration = query_int(q, 0);
		if (node > NODE_NONE && node < NODE_END)
			add_lines(&lines[node], query_text(q, 2));
	}
	flush(lines, &out);
	for (int i = 0; i < NODE_END; i++)
		str_release(&lines[i]);
	return rc < 0 ? -1 : file_write(path, str_cstr(&out), out.len, e);
}
