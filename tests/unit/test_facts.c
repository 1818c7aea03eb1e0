/* SPDX-License-Identifier: Apache-2.0 */
/* Facts: the table, its order and its text; a trace and raw files read into it; what is derived. */
#include "base/mem.h"
#include "base/path.h"
#include "base/json_read.h"
#include "base/schema.h"
#include "evidence/gather.h"
#include "evidence/write.h"
#include "evidence/signature.h"
#include "tests/tap.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char folder[] = "/tmp/test-facts-XXXXXX";

static char *put_file(const char *name, const char *text)
{
	char *path = path_join(folder, name);
	struct err e;

	if (path_mkdirs_for(path, &e) < 0 || file_write(path, text, strlen(text), &e) < 0) {
		printf("Bail out! %s\n", e.msg);
		exit(1);
	}
	return path;
}

#define HEAD "{\"version\":1,\"run_id\":\"run-20261121T000000Z-00000001\",\"status\":\"fail\",\"exit_code\":124," \
	     "\"command\":\"run\",\"args\":[\"--\",\"sh\",\"-c\",\"a b\"],\"environment\":{\"cpus\":2,\"arch\":\"x86_64\"},"
#define SPANS "\"spans\":[{\"span_id\":\"00000000000000a1\",\"name\":\"run.total\",\"start_ns\":0,\"end_ns\":9000000000," \
	      "\"status\":\"timeout\",\"attrs\":{},\"error\":null},{\"span_id\":\"00000000000000a2\",\"name\":" \
	      "\"subprocess.wait\",\"start_ns\":0,\"end_ns\":9000000000,\"status\":\"timeout\",\"attrs\":{\"pid\":10}}]"
#define EVENT(kind, attrs) "{\"ts_ns\":5000000000,\"kind\":\"" kind "\",\"span_id\":\"00000000000000a2\",\"attrs\":{" attrs "}}"
#define PROC(attrs) EVENT("checkpoint", "\"event\":\"diagnose.process\"," attrs)
#define TAIL "\"summary\":{\"last_progress_event\":{\"ts_ns\":1000000000,\"kind\":\"stdout\"},\"output\":{\"stdout_bytes\":7," \
	     "\"stderr_bytes\":0,\"truncated\":false}}}"

static const char events[] =
	"\"events\":["
	EVENT("watchdog", "\"reason_token\":\"timeout.subprocess.wait\",\"elapsed_ms\":8000.5,\"limit_ms\":8000") ","
	EVENT("io.read", "\"bytes\":5") ","
	PROC("\"pid\":10,\"ppid\":9,\"comm\":\"sh\",\"argv\":[\"sh\",\"-c\",\"x\"],\"state\":\"S\",\"wchan\":\"do_wait\",\"syscall\":61") ","
	PROC("\"pid\":11,\"ppid\":10,\"comm\":\"cat\",\"argv\":[\"cat\"],\"state\":\"S\",\"wchan\":\"anon_pipe_read\",\"syscall\":0") ","
	PROC("\"pid\":12,\"ppid\":11,\"comm\":\"gone\",\"state\":\"Z\"") ","
	EVENT("watchdog", "\"reason_token\":\"timeout.subprocess.io_drain\",\"holders\":[{\"pid\":50,\"comm\":\"d\",\"fd\":1}]") ","
	EVENT("subprocess_state", "\"state\":\"survivor\",\"pid\":60,\"comm\":\"left\",\"reason\":\"leaked\"") ","
	EVENT("checkpoint", "\"event\":\"process.leaked\",\"pid\":60,\"comm\":\"left\"") "],";

static int read_trace(struct facts *f, const char *path, struct err *e)
{
	auto_free char *raw = path_join(folder, "raw");
	const char *const dirs[] = { raw, NULL };

	if (facts_init(f, e) < 0)
		return -1;
	return gather(f, path, dirs, e);
}

static void test_trace(void)
{
	auto_str text = STR_INIT, moved = STR_INIT, a = STR_INIT, b = STR_INIT;
	auto_free char *path = NULL, *other = NULL;
	const struct fact_row *r;
	struct err e = { 0 };
	struct facts f;

	str_addf(&text, "%s%s,%s%s", HEAD, SPANS, events, TAIL);
	path = put_file("run-trace.json", str_cstr(&text));
	if (!ok(read_trace(&f, path, &e) == 0, "a trace is read: %s", e.msg))
		return;
	r = gather_single(&f, FACT_RUN);
	is_str(fact_text(r, FC_RUN_args), "-- sh -c 'a b'", "arguments as one line");
	is_str(fact_text(r, FC_RUN_ended_by), "watchdog", "ended by a watchdog");
	ok(fact_bool(r, FC_RUN_stuck), "stuck: no progress for eight of nine seconds");
	is_int(f.table[FACT_TIMEOUT].n, 2, "two tokens");
	is_int(f.table[FACT_LEAK].n, 2, "a holder of a pipe, and one survivor that two records speak of");
	r = gather_find(&f, FC_PROCESS_pid, 10);
	ok(fact_bool(r, FC_PROCESS_is_command) && !fact_bool(r, FC_PROCESS_leaf), "the command is known and has a child");
	r = gather_find(&f, FC_PROCESS_pid, 11);
	is_int(fact_int(r, FC_PROCESS_zombies, 0), 1, "a zombie belongs to its parent");
	ok(fact_bool(r, FC_PROCESS_leaf), "and is no living child");
	r = gather_find(&f, FC_THREAD_pid, 10);
	is_str(fact_text(r, FC_THREAD_waits_kind), "child", "wait4 is a wait for a child");
	is_str(fact_text(r, FC_THREAD_syscall), "wait4", "a number gets its name");
	ok(!fact_bool(r, FC_THREAD_root), "who waits for a child is no root");
	r = gather_find(&f, FC_THREAD_pid, 11);
	is_str(fact_text(r, FC_THREAD_waits_kind), "pipe_read", "the kernel function says more than read()");
	ok(fact_bool(r, FC_THREAD_root), "the end of the chain is the root");
	is_str(fact_text(r, FC_THREAD_chain), "sh (pid 10) child -> cat (pid 11) pipe_read", "the chain");
	is_str(fact_text(f.table[FACT_TIMEOUT].rows[0], FC_TIMEOUT_span), "subprocess.wait", "events know their span");
	facts_print(&f, &a);
	facts_release(&f);
	/* members in another order say the same */
	str_addf(&moved, "%s%s%s,%s", HEAD, events, SPANS, TAIL);
	other = put_file("moved/run-trace.json", str_cstr(&moved));
	is_int(read_trace(&f, other, &e), 0, "events may stand before spans");
	facts_print(&f, &b);
	is_str(str_cstr(&b), str_cstr(&a), "and the facts are the same");
	facts_release(&f);
}

static const char snapshot[] =
	"{\"version\":1,\"pid\":10,\"processes\":[{\"pid\":10,\"ppid\":9,\"comm\":\"p\",\"argv\":[\"p\"],\"state\":\"S\",\"cpu_ms\":5,"
	"\"threads\":["
	"{\"tid\":10,\"name\":\"p\",\"state\":\"S\",\"status\":\"ok\",\"frames\":[{\"language\":\"native\",\"function\":\"__futex_wait\","
	"\"module\":\"/lib/libc.so.6\"},{\"language\":\"native\",\"function\":\"take(int)\",\"file\":\"/src/a.cc\",\"line\":5,\"module\":"
	"\"/bin/p\"}],\"waits_on\":{\"kind\":\"mutex\",\"resource\":\"mutex 0x7f0\",\"proved\":true,\"since_ms\":3,\"holders\":[{\"pid\":10,"
	"\"tid\":11,\"comm\":\"p\",\"function\":\"give\",\"file\":\"/src/b.cc\",\"line\":9}]}},"
	"{\"tid\":11,\"name\":\"w\",\"state\":\"S\",\"status\":\"ok\",\"frames\":[{\"language\":\"native\",\"function\":\"give\",\"file\":"
	"\"/src/b.cc\",\"line\":9,\"module\":\"/bin/p\"}],\"waits_on\":{\"kind\":\"mutex\",\"resource\":\"mutex 0x7f8\",\"proved\":true,"
	"\"since_ms\":3,\"holders\":[{\"pid\":10,\"tid\":10,\"comm\":\"p\"}]}}]}],"
	"\"cycles\":[{\"proved\":true,\"members\":[{\"pid\":10,\"tid\":10},{\"pid\":10,\"tid\":11}]}],"
	"\"roots\":[{\"pid\":10,\"tid\":10,\"pattern_id\":\"hang.deadlock.locks\",\"location\":null}],"
	"\"collectors\":[{\"name\":\"ptrace\",\"status\":\"denied\",\"duration_ms\":1,\"reason\":\"yama\"}]}";

static void test_snapshot(void)
{
	auto_free char *path = path_join(folder, "run-trace.json");
	auto_free char *raw = put_file("raw/run-20261121T000000Z-00000001/snapshot-2.json", snapshot);
	auto_free char *old = put_file("raw/run-20261121T000000Z-00000001/snapshot-1.json", "{\"processes\":[{\"pid\":10,"
				       "\"comm\":\"early\",\"threads\":[]}]}");
	auto_free char *more = put_file("raw/run-20261121T000000Z-00000001/facts-x.json",
					"{\"version\":1,\"facts\":[{\"fact\":\"function\",\"function\":\"f\",\"call_count\":12}]}");
	auto_free char *bad = put_file("raw/run-20261121T000000Z-00000001/facts-y.json",
				       "{\"version\":1,\"facts\":[{\"fact\":\"function\",\"colour\":1}]}");
	const struct fact_row *r;
	struct err e = { 0 };
	struct facts f;

	is_int(read_trace(&f, path, &e), 0, "a trace with raw files is read");
	is_str(fact_text(gather_find(&f, FC_PROCESS_pid, 10), FC_PROCESS_comm), "p", "the last snapshot counts");
	r = gather_find(&f, FC_THREAD_tid, 10);
	is_str(fact_text(r, FC_THREAD_function), "take(int)", "the place is the program's own frame");
	is_int(fact_int(r, FC_THREAD_line, 0), 5, "with its line");
	is_str(fact_text(r, FC_THREAD_stack), "take", "the stack is without libc and arguments");
	is_int(f.table[FACT_EDGE].n, 2, "two edges");
	r = f.table[FACT_CYCLE].rows[0];
	is_int(fact_int(r, FC_CYCLE_processes, 0), 1, "a cycle in one process");
	is_str(fact_text(r, FC_CYCLE_kinds), "mutex", "of mutexes");
	ok(strstr(fact_text(r, FC_CYCLE_ring), "take(int) at /src/a.cc:5 waits for mutex 0x7f0"), "told in words: %s",
	   fact_text(r, FC_CYCLE_ring));
	is_int(f.table[FACT_FUNCTION].n, 1, "rows of a collector are facts");
	is_int(f.table[FACT_DENIAL].n, 2, "a denial, and a raw file that is wrong");
	facts_release(&f);
	unlink(raw);
	unlink(old);
	unlink(more);
	unlink(bad);
}

/* Without the source of each row, which is the file that it was read from. */
static void without_source(struct str *text)
{
	auto_str out = STR_INIT;

	for (const char *p = str_cstr(text); *p;) {
		const char *end = strchr(p, '\n'), *from = strstr(p, " from=");

		str_addn(&out, p, (size_t)((from && from < end ? from : end) - p));
		str_addc(&out, '\n');
		p = end + 1;
	}
	str_reset(text);
	str_addn(text, out.data, out.len);
}

/* What evidence_write writes obeys its schema, is read back equal, and is the same bytes twice. */
static void test_written(void)
{
	auto_free char *dir = path_join(folder, "raw/run-20261121T000000Z-00000002");
	auto_free char *path = path_join(dir, "facts-own.json");
	auto_free char *text = NULL, *again = NULL;
	auto_str before = STR_INIT, after = STR_INIT;
	struct schema *schema = NULL;
	const struct json_value *root;
	struct json_reader *reader;
	struct err e = { 0 };
	struct fact_row *r;
	struct facts f, back;
	size_t n, m;

	facts_init(&f, &e);
	r = fact_add(&f, FACT_FUNCTION, "raw/r/samples.json", "/samples/3");
	fact_set_text(&f, r, FC_FUNCTION_function, "parse \"x\"\n");
	fact_set_int(r, FC_FUNCTION_samples, 12);
	fact_set_num(r, FC_FUNCTION_share, 0.125);
	r = fact_add(&f, FACT_THREAD, "raw/r/samples.json", "/threads/0");
	fact_set_bool(r, FC_THREAD_leaf, true);
	is_int(evidence_write(&f, dir, "own", &e), 0, "evidence is written: %s", e.msg);
	is_int(file_read(path, 1 << 20, &text, &n, &e), 0, "under its name");
	is_int(evidence_write(&f, dir, "own", &e), 0, "and again");
	file_read(path, 1 << 20, &again, &m, &e);
	ok(n == m && memcmp(text, again, n) == 0, "the same bytes");
	is_int(schema_read(&schema, "schemas/facts_v1.yaml", &e), 0, "its schema: %s", e.msg);
	reader = json_reader_text(text, n, "facts-own.json");
	is_int(json_take(reader, &root, &e), 0, "it is JSON");
	ok(schema_check(schema, root, NULL, NULL, NULL), "that obeys the schema");
	facts_init(&back, &e);
	is_int(gather_rows(&back, "x", path, root, &e), 0, "it is read back: %s", e.msg);
	facts_sort(&back);
	facts_print(&f, &before);
	facts_print(&back, &after);
	without_source(&before);
	without_source(&after);
	is_str(str_cstr(&after), str_cstr(&before), "as the same rows");
	for (int k = 0; k < FACT_KIND_COUNT; k++) {
		auto_free char *row = xasprintf("{\"version\":1,\"facts\":[{\"fact\":\"%s\"}]}", fact_kinds[k].name);
		struct json_reader *one = json_reader_text(row, strlen(row), "row");
		const struct json_value *v;

		if (json_take(one, &v, &e) < 0 || !schema_check(schema, v, NULL, NULL, NULL))
			ok(false, "the schema does not know the kind '%s'", fact_kinds[k].name);
		json_reader_free(one);
	}
	json_reader_free(reader);
	schema_free(schema);
	facts_release(&f);
	facts_release(&back);
	unlink(path);
	rmdir(dir);
}

static void test_damaged(void)
{
	static const char *const texts[] = {
		"", " ", "[]", "{", "{\"version\"", "{\"version\":", "{\"version\":1", "{\"a\":1,}", "{\"spans\":[}", "{\"spans\":[,]}",
		"{\"spans\":[{\"a\":1} {\"b\":2}]}", "{\"events\":[{\"kind\":\"watchdog\"", "{\"a\" 1}", "{a:1}", "{\"a\":tru}",
		"{}", "{\"run_id\":5,\"status\":\"pass\"}", "{\"run_id\":\"x\"}", "{\"spans\":[\"\xff\"]}", "\"text\"", "5",
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		auto_free char *path = put_file("damaged.json", texts[i]);
		struct err e = { 0 };
		struct facts f;

		ok(read_trace(&f, path, &e) < 0 && *e.msg && !strchr(e.msg, '\n'), "damage %zu: %s", i + 1, e.msg);
		facts_release(&f);
		unlink(path);
	}
}

static void test_signatures(void)
{
	static const struct {
		const char *a, *b;
	} same[] = { { "mutex 0x7f00aa", "mutex 0x5500bb" }, { "/tmp/x1y2z/lock", "/tmp/q9/lock" },
		     { "pipe:[12345]", "pipe:[99]" }, { "worker-17", "worker-4" }, { "10.0.0.1:8080", "10.0.0.7:9090" } };
	static const struct {
		const char *name, *want;
	} functions[] = { { "take(int, char)", "take" }, { "a::b<std::vector<int> >::run()", "a::b::run" },
			  { "core::ptr::drop::h0123456789abcdef", "core::ptr::drop" }, { "loop.isra.0", "loop" },
			  { "<module>", "<module>" }, { "operator<(a, b)", "operator<(a, b)" } };

	for (size_t i = 0; i < sizeof(same) / sizeof(same[0]); i++) {
		auto_str a = STR_INIT, b = STR_INIT;

		signature_add_text(&a, same[i].a);
		signature_add_text(&b, same[i].b);
		is_str(str_cstr(&a), str_cstr(&b), "%s is like %s", same[i].a, same[i].b);
	}
	for (size_t i = 0; i < sizeof(functions) / sizeof(functions[0]); i++) {
		auto_str a = STR_INIT;

		signature_add_function(&a, functions[i].name);
		is_str(str_cstr(&a), functions[i].want, "%s", functions[i].name);
	}
}

static void test_table(void)
{
	struct err e;
	struct facts f;
	struct fact_row *r;
	auto_str out = STR_INIT;

	if (facts_init(&f, &e) < 0)
		abort();
	for (int i = 3; i > 0; i--) {
		r = fact_add(&f, FACT_MACHINE, "x", "/1");
		fact_set_int(r, FC_MACHINE_cpus, i);
	}
	facts_sort(&f);
	is_int(fact_int(f.table[FACT_MACHINE].rows[0], FC_MACHINE_cpus, 0), 1, "rows are sorted by content");
	r = fact_add(&f, FACT_TIMEOUT, "x", "");
	fact_set_num(r, FC_TIMEOUT_idle_ms, 1.23456);
	fact_value_add(&out, FC_TIMEOUT_idle_ms, fact_get(r, FC_TIMEOUT_idle_ms));
	is_str(str_cstr(&out), "1.235", "numbers are kept to thousandths");
	str_reset(&out);
	fact_set_text(&f, r, FC_TIMEOUT_token, "a\xff" "b");
	fact_value_add(&out, FC_TIMEOUT_token, fact_get(r, FC_TIMEOUT_token));
	is_str(str_cstr(&out), "a\xef\xbf\xbd" "b", "texts are UTF-8");
	for (int i = 0; i < FACT_ROWS_MAX + 5; i++)
		fact_add(&f, FACT_STEP, "x", "");
	is_int(f.table[FACT_STEP].dropped, 5, "a full table counts what it drops");
	facts_release(&f);
}

int main(void)
{
	struct err e;

	if (!mkdtemp(folder))
		return 1;
	test_table();
	test_signatures();
	test_trace();
	test_snapshot();
	test_written();
	test_damaged();
	is_int(path_remove_tree(folder, &e), 0, "nothing is left behind");
	return tap_done();
}
