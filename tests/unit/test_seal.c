/* SPDX-License-Identifier: Apache-2.0 */
/* Sealing and recovery: the fields of the contract, a lost supervisor, damage, locks. */
#include "tests/unit/trace_double.h"

#include "base/fd.h"
#include "trace/record.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/wait.h>

#define RUN_ID "run-20261121T002609Z-0123abcd"

/* A small run with one of everything; not finished. */
static struct trace *make_run(const char *path, const char *run_id)
{
	struct trace *t = test_open(path, run_id, LEVEL_DETAILED);
	span_id root = trace_span_begin(t, 0, SPAN_RUN_TOTAL, NULL, MONO, NULL);
	span_id d = trace_span_begin(t, root, SPAN_RUNNER_DISPATCH, NULL, MONO + 1000000, NULL), x, w;
	auto_attrs a = { 0 };

	attrs_init(&a, t);
	attrs_str(&a, "argv0", "make");
	attrs_int(&a, "pid", 4);
	x = trace_span_begin(t, d, SPAN_SUBPROCESS_EXEC, "spawn", MONO + 2000000, &a);
	w = trace_span_begin(t, x, SPAN_SUBPROCESS_WAIT, NULL, MONO + 3000000, NULL);
	attrs_init(&a, t);
	attrs_int(&a, "idle_ms", 12);
	trace_event(t, w, EVENT_HEARTBEAT, MONO + 4000000, &a);
	trace_event(t, root, EVENT_STALL_WARNING, MONO + 5000000, &a);
	trace_watchdog(t, root, TOKEN_STALL_RUNNER, MONO + 5000000, &a);
	trace_watchdog(t, w, TOKEN_SUBPROCESS_WAIT, MONO + 6000000, &a);
	trace_watchdog(t, w, TOKEN_KILL_TERM, MONO + 6500000, NULL);
	attrs_init(&a, t);
	attrs_int(&a, "pid", 5);
	attrs_int(&a, "returncode", -15);
	trace_span_end(t, w, STATUS_TIMEOUT, CATEGORY_WATCHDOG, "it took too long", TOKEN_SUBPROCESS_WAIT,
		       MONO + 7000000, NULL);
	trace_span_end(t, x, STATUS_TIMEOUT, CATEGORY_WATCHDOG, "it took too long", TOKEN_SUBPROCESS_WAIT,
		       MONO + 7500000, &a);
	strcpy(trace_totals(t)->last_progress, "stdout");
	trace_totals(t)->last_progress_ns = 3500000;
	trace_totals(t)->stdout_bytes = 100;
	return t;
}

static char *slurp(const char *path)
{
	struct err e = { .kind = ERR_NONE };
	char *text = NULL;
	size_t n;

	return file_read(path, 1 << 20, &text, &n, &e) < 0 ? xstrdup("") : text;
}

static void check_top(const struct json_value *j)
{
	static const char *fields[] = { "version", "run_id", "runner_impl", "started_at", "ended_at", "status",
					"exit_code", "command", "args", "env_profile", "environment", "spans",
					"events", "summary" };
	size_t n = sizeof(fields) / sizeof(*fields), there = 0;

	for (size_t i = 0; i < n; i++)
		there += json_get(j, fields[i]) != NULL;
	is_int(there, n, "every field of the contract");
	is_int(count_of(j), n, "and no other");
	is_int(int_at(j, "version"), 1, "version 1");
	is_str(text_at(j, "run_id"), RUN_ID, "run_id");
	is_str(text_at(j, "runner_impl"), "c", "runner_impl");
	is_str(text_at(j, "started_at"), "2026-11-21T00:26:09.123Z", "started_at");
	is_str(text_at(j, "ended_at"), "2026-11-21T00:26:09.133Z", "ended_at");
	is_str(text_at(j, "command"), "run", "command");
	is_int(count_of(json_get(j, "args")), 6, "args");
}

static void check_summary(const struct json_value *s)
{
	is_int(int_at(s, "timeout_span_count"), 2, "timed out spans");
	is_int(int_at(s, "stall_warning_count"), 1, "stall warnings");
	is_int(int_at(json_get(s, "reason_tokens"), "timeout.subprocess.wait"), 1, "reason tokens");
	is_int(count_of(json_get(s, "reason_tokens")), 3, "three of them");
	is_str(text_at(json_get(s, "last_progress_event"), "kind"), "stdout", "last progress");
	is_int(int_at(json_get(s, "output"), "stdout_bytes"), 100, "output");
	is_int(count_of(json_get(s, "slowest_spans")), 4, "slowest spans");
	is_str(text_at(item_at(json_get(s, "slowest_spans"), 0), "name"), "run.total", "the longest first");
	ok(json_get(s, "recording") == NULL, "a whole record says nothing of gaps");
}

static void test_finished(void)
{
	struct trace *t = make_run(in_dir(RUN_ID ".journal"), RUN_ID);
	struct seal_result r;
	const struct json_value *j, *x;

	trace_finish(t, false, 124, STATUS_ERROR, MONO + 10000000);
	j = test_seal(trace_fd(t), false, &r);
	check_top(j);
	is_str(trace_fault(j) ? trace_fault(j) : "none", "none", "it nests");
	is_str(text_at(j, "status"), "fail", "status");
	is_int(int_at(j, "exit_code"), 124, "exit_code");
	ok(r.finished && !r.pass && r.exit_code == 124, "the caller hears the same");
	x = item_at(json_get(j, "spans"), 2);
	is_str(text_at(x, "phase"), "spawn", "phase");
	is_str(text_at(x, "kind"), "subprocess", "kind");
	is_int(json_get_number(x, "duration_ms", -1) * 1000, 5500, "duration_ms");
	is_int(int_at(json_get(x, "attrs"), "pid"), 5, "the later of two equal attributes counts");
	is_str(text_at(json_get(x, "attrs"), "argv0"), "make", "the others are merged");
	check_summary(json_get(j, "summary"));
	auto_free char *text = slurp(in_dir("out.json")), *md = slurp(in_dir("out.md"));

	ok(!strstr(text, "hunter2") && !strstr(text, "sesame-"), "no secret in the trace");
	ok(!strstr(md, "hunter2") && !strstr(md, "sesame-"), "nor in the summary");
	ok(strstr(md, "FAIL: exit code 124") && strstr(md, "(`timeout.subprocess.wait`)"), "it says the result");
	ok(strstr(md, "## Where it hung\n\n`subprocess.wait`"), "and where it hung");
	ok(strstr(md, "**watchdog.kill.term**") && strstr(md, "`stdout` at 0.003 s"), "what happened, last progress");
	ok(strstr(md, "spec-runner verify ") && strstr(md, "## Environment"), "what to run next, and where it ran");
	trace_close(t, true);
}

static void test_gate_fields(void)
{
	struct trace *t = make_run(NULL, RUN_ID);
	struct seal_request q = { .journal_fd = trace_fd(t), .trace_out = in_dir("gate.json"),
				  .gate_json = "{\"fail_fast_enabled\":true,\"aborted_after_step\":null}" };
	struct err e = { .kind = ERR_NONE };
	struct seal_result r;
	const struct json_value *j;

	trace_finish(t, false, 1, STATUS_ERROR, MONO + 10000000);
	ok(seal_run(&q, &r, &e) == 0, "sealed with a gate's fields");
	j = json_file(in_dir("gate.json"));
	ok(is_kind(json_get(json_get(j, "summary"), "fail_fast_enabled"), JSON_TRUE), "which are in summary");
	q.trace_out = in_dir("plain/none.json");
	file_write(in_dir("plain"), "", 0, &e);
	ok(seal_run(&q, &r, &e) < 0, "what cannot be written is an error: %s", e.msg);
	trace_close(t, true);
}

static void check_lost(const struct json_value *j, const char *how)
{
	const struct json_value *root = item_at(json_get(j, "spans"), 0);

	is_str(trace_fault(j) ? trace_fault(j) : "none", "none", "%s: it nests", how);
	is_str(text_at(j, "status"), "fail", "%s: fail", how);
	is_int(int_at(j, "exit_code"), 125, "%s: 125", how);
	is_str(text_at(root, "name"), "run.total", "%s: a root", how);
	is_str(text_at(json_get(root, "error"), "category"), "supervisor_lost", "%s: supervisor_lost", how);
}

static void test_lost(void)
{
	struct trace *t = make_run(NULL, RUN_ID);
	struct seal_result r;
	const struct json_value *j = test_seal(trace_fd(t), true, &r);

	check_lost(j, "lost");
	is_int(int_at(item_at(json_get(j, "spans"), 0), "end_ns"), 7500000, "ends at the last record");
	trace_span_end(t, 1, STATUS_OK, CATEGORY_NONE, NULL, TOKEN_NONE, MONO + 9000000, NULL);
	j = test_seal(trace_fd(t), true, &r);
	check_lost(j, "lost after the root's end");
	trace_close(t, true);
	t = test_open(NULL, RUN_ID, LEVEL_BASIC);
	j = test_seal(trace_fd(t), true, &r);
	check_lost(j, "lost before the first span");
	trace_close(t, true);
}

static void test_recover(void)
{
	static const char *ids[] = { "run-20261121T002609Z-00000001", "run-20261121T002609Z-00000002",
				     "run-20261121T002609Z-00000003" };
	struct err e = { .kind = ERR_NONE };
	struct trace *t[3];
	char out[4096], name[64];

	for (int i = 0; i < 3; i++) {
		snprintf(name, sizeof(name), "art/%s.journal", ids[i]);
		t[i] = make_run(in_dir(name), ids[i]);
	}
	trace_close(t[0], false);
	trace_close(t[2], false);
	ok(seal_recover_one(trace_path(t[1]), in_dir("art"), out, &e) < 0 && strstr(e.msg, "in use by pid"),
	   "a locked one is refused: %s", e.msg);
	is_int(seal_recover_all(in_dir("art"), &e), 2, "two are recovered");
	for (int i = 0; i < 3; i++) {
		snprintf(name, sizeof(name), "art/recovered/%s/run-trace.json", ids[i]);
		const struct json_value *j = json_file(in_dir(name));

		if (i == 1)
			ok(!j && access(trace_path(t[1]), F_OK) == 0, "the locked one is untouched");
		else
			check_lost(j, ids[i]);
	}
	is_int(seal_recover_all(in_dir("art"), &e), 0, "nothing is left to do");
	is_int(seal_recover_all(in_dir("no-such-folder"), &e), 0, "no folder, no journals");
	trace_close(t[1], false);
	/* Two at once. */
	pid_t pid = fork();
	int status = 0, mine;

	if (pid == 0) {
		int n = seal_recover_all(in_dir("art"), &e);

		_exit(n < 0 ? 99 : n);
	}
	mine = seal_recover_all(in_dir("art"), &e);
	waitpid(pid, &status, 0);
	is_int(mine + WEXITSTATUS(status), 1, "two recoveries at once seal one journal once");
}

static void count_told(void *arg, const char *journal, const char *out_dir, const struct err *problem)
{
	int *counts = arg;

	counts[0]++;
	counts[1] += out_dir != NULL;
	if (problem && !strchr(problem->msg, '\n') && strstr(problem->msg, "damaged") && strstr(problem->msg, journal))
		counts[2]++;
}

static void test_damaged(void)
{
	struct err e = { .kind = ERR_NONE };
	struct trace *t = make_run(in_dir("bad/half.journal"), RUN_ID);
	int counts[3] = { 0, 0, 0 };
	uint32_t junk = 0x7fffff05;

	ok(pwrite(trace_fd(t), &junk, sizeof(junk), (off_t)journal_offset(&t->journal)) == 4,
	   "a journal with a bad record");
	trace_close(t, false);
	ok(file_write(in_dir("bad/junk.journal"), "junk", 4, &e) == 0 &&
	   file_write(in_dir("bad/empty.journal"), "", 0, &e) == 0 &&
	   symlink("/etc/passwd", in_dir("bad/link.journal")) == 0, "junk, nothing, and a link");
	is_int(seal_recover_each(in_dir("bad"), count_told, counts, &e), 0, "none is recovered whole");
	is_int(counts[0], 4, "each is told of");
	is_int(counts[1], 1, "the first is sealed as far as it goes");
	is_int(counts[2], 3, "and three lines say what is damaged");
	ok(access(in_dir("bad/half.journal.damaged"), F_OK) == 0 && access(in_dir("bad/junk.journal.damaged"), F_OK) == 0 &&
	   access(in_dir("bad/half.journal"), F_OK) < 0, "they are set aside");
	auto_free char *text = slurp(in_dir("bad/recovered/" RUN_ID "/run-trace.json"));

	ok(strstr(text, "\"damaged_at_byte\":"), "the trace says that it has a gap");
	counts[0] = counts[1] = counts[2] = 0;
	seal_recover_each(in_dir("bad"), count_told, counts, &e);
	is_int(counts[2], 0, "they are not tried again");
}

/* A disk, a file system or a child that has changed one bit: said, or it was none that counts (padding). */
static void test_flipped_bits(void)
{
	struct trace *t = make_run(in_dir("flip.journal"), RUN_ID);
	int fd = trace_fd(t);
	auto_free char *json = xstrdup(in_dir("flip.json")), *good = NULL;
	struct seal_request q = { .journal_fd = fd, .trace_out = json };
	struct err e = { .kind = ERR_NONE };
	uint64_t end, said = 0, same = 0, wrong = 0;
	struct seal_result r;

	trace_finish(t, true, 0, STATUS_OK, MONO + 10000000);
	end = journal_offset(&t->journal);
	ok(seal_run(&q, &r, &e) == 0 && !r.damaged_at, "a whole journal");
	good = slurp(json);
	for (uint64_t bit = JOURNAL_HEADER_BYTES * 8; bit < end * 8; bit += 3) {
		unsigned char was, is;
		auto_free char *text = NULL;

		if (pread(fd, &was, 1, (off_t)(bit / 8)) != 1)
			break;
		is = (unsigned char)(was ^ 1U << bit % 8);
		if (pwrite(fd, &is, 1, (off_t)(bit / 8)) != 1 || seal_run(&q, &r, &e) < 0)
			said++; /* nothing can be made of it, and that is an error */
		else if (r.damaged_at)
			said++;
		else if (strcmp(text = slurp(json), good) == 0)
			same++;
		else
			wrong++;
		if (pwrite(fd, &was, 1, (off_t)(bit / 8)) != 1)
			break;
	}
	is_int((int64_t)wrong, 0, "no bit can be changed unseen");
	ok(said > 1000 && same < said / 5, "of %llu bits, %llu had no meaning", (unsigned long long)(said + same),
	   (unsigned long long)same);
	trace_close(t, true);
}

int main(void)
{
	test_setup();
	test_finished();
	test_gate_fields();
	test_lost();
	test_recover();
	test_damaged();
	test_flipped_bits();
	test_teardown();
	return tap_done();
}
