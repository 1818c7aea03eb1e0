/* SPDX-License-Identifier: Apache-2.0 */
/* The journal: what is committed survives SIGKILL at any instant, a full disk and a hand-over. */
#include "tests/unit/trace_double.h"

#include "base/clock.h"
#include "base/fd.h"
#include "trace/cursor.h"
#include "trace/journal.h"
#include "trace/spans.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>

#define RUN_ID "run-20261121T002609Z-0123abcd"
#define KILL_ROUNDS 200
#define WRITER_MAX 3000

/* Records as fast as it can; after each one says in shared memory how many are committed. */
static void writer(const char *path, volatile uint64_t *committed)
{
	struct trace *t = test_open(path, RUN_ID, LEVEL_DEBUG);
	span_id root = trace_span_begin(t, 0, SPAN_RUN_TOTAL, NULL, MONO, NULL), s = root;
	auto_attrs a = { 0 };

	committed[1] = 1;
	for (uint64_t i = 1; ; i++) {
		if (i > WRITER_MAX)
			pause(); /* the parent is late: enough to read back */
		attrs_init(&a, t);
		attrs_int(&a, "n", (int64_t)i);
		if (i % 7 == 0)
			s = trace_span_begin(t, root, SPAN_CASE_RUN, "step", MONO + (int64_t)i, &a);
		trace_event(t, s, EVENT_CHECKPOINT, MONO + (int64_t)i, &a);
		committed[0] = i;
		if (i % 7 == 6)
			trace_span_end(t, s, STATUS_OK, CATEGORY_NONE, NULL, TOKEN_NONE, MONO + (int64_t)i, &a);
	}
}

/* Events 1..n in order, at least as many as were committed. */
static bool all_there(const struct json_value *trace, uint64_t committed)
{
	const struct json_value *events = json_get(trace, "events");
	int64_t n = 0;

	if (count_of(events) < committed || count_of(events) > committed + 1)
		return false;
	json_each(v, events)
		if (int_at(json_get(v, "attrs"), "n") != ++n)
			return false;
	return true;
}

static void test_kill(void)
{
	volatile uint64_t *shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int lost = 0, faults = 0, attached = 0;
	uint64_t most = 0;

	srandom(20261121);
	for (int round = 0; round < KILL_ROUNDS; round++) {
		char *path = in_dir("killed.journal");
		struct seal_result r;
		struct err e = { .kind = ERR_NONE };
		struct trace *t;
		const struct json_value *j;
		pid_t pid;
		int64_t until;

		shared[0] = shared[1] = 0;
		pid = fork();
		if (pid == 0)
			writer(path, shared);
		while (!shared[1])
			sched_yield();
		/* Mostly early, where starts and growth are; some far into the run. */
		until = clock_mono_ns() + random() % (round % 20 ? 50000 : 500000);
		while (clock_mono_ns() < until)
			;
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		auto_close int fd = open(path, O_RDWR | O_CLOEXEC);

		j = test_seal(fd, true, &r);
		if (!j || trace_fault(j) || r.damaged_at)
			faults++;
		lost += !j || !all_there(j, shared[0]);
		most = shared[0] > most ? shared[0] : most;
		/* The survivor goes on where it was cut off. */
		if (trace_attach(&t, fd, test_redactor, &e) == 0) {
			span_id s = trace_span_begin(t, 1, SPAN_CASE_RUN, "after", MONO, NULL);

			trace_span_end(t, s, STATUS_OK, CATEGORY_NONE, NULL, TOKEN_NONE, MONO, NULL);
			trace_finish(t, false, 125, STATUS_ERROR, MONO);
			j = test_seal(trace_fd(t), false, &r);
			attached += j && !trace_fault(j) && !r.damaged_at && r.finished && all_there(j, shared[0]);
			trace_close(t, true);
		}
	}
	is_int(lost, 0, "nothing committed is lost in %d kills (at most %llu records)", KILL_ROUNDS,
	       (unsigned long long)most);
	is_int(faults, 0, "every trace of them is whole");
	is_int(attached, KILL_ROUNDS, "and can be gone on with");
	munmap((void *)shared, 4096);
}

static void test_torn(void)
{
	char *path = in_dir(RUN_ID ".journal");
	struct trace *t = test_open(path, RUN_ID, LEVEL_DEBUG);
	struct err e = { .kind = ERR_NONE };
	struct seal_result r;
	static char garbage[3000];
	struct cursor c;
	struct record rec;

	trace_span_begin(t, 0, SPAN_RUN_TOTAL, NULL, MONO, NULL);
	auto_close int fd = open(path, O_RDWR | O_CLOEXEC);

	cursor_init(&c, fd);
	while (cursor_next(&c, &rec) == 1)
		;
	/* A body without its word, as a writer killed in between leaves it. */
	memset(garbage, 0x5a, sizeof(garbage));
	ok(pwrite(fd, garbage, sizeof(garbage), (off_t)c.pos + 4) == sizeof(garbage), "a torn record");
	cursor_release(&c);
	trace_close(t, false);
	ok(trace_attach(&t, fd, test_redactor, &e) == 0, "attached behind it");
	trace_checkpoint_named(t, 1, "after.tear", MONO + 1, NULL);
	trace_close(t, false);
	ok(test_seal(fd, true, &r) != NULL, "it is sealed");
	is_int(r.event_count, 1, "what follows is there");
	is_int(r.damaged_at, 0, "and the torn one is no damage");
	unlink(path);
}

static void test_publish(void)
{
	char *path = in_dir(RUN_ID ".journal");
	struct trace *t = test_open(NULL, RUN_ID, LEVEL_DEBUG), *other;
	span_id root = trace_span_begin(t, 0, SPAN_RUN_TOTAL, NULL, MONO, NULL);
	struct trace_totals *totals = trace_totals(t);
	auto_close int old = fcntl(trace_fd(t), F_DUPFD_CLOEXEC, 3);
	struct err e = { .kind = ERR_NONE };
	struct seal_result r;

	totals->stdout_bytes = 7;
	trace_checkpoint_named(t, root, "before", MONO + 1, NULL);
	ok(trace_path(t) == NULL, "anonymous");
	ok(file_write(in_dir("plain"), "x", 1, &e) == 0 && trace_publish(t, in_dir("plain/x.journal"), &e) < 0,
	   "no folder: %s", e.msg);
	trace_checkpoint_named(t, root, "between", MONO + 1, NULL);
	ok(trace_publish(t, path, &e) == 0, "published");
	ok(trace_totals(t) == totals && totals->stdout_bytes == 7, "the totals stay where they are");
	totals->stderr_bytes = 9;
	trace_checkpoint_named(t, root, "after", MONO + 2, NULL);
	test_seal(old, true, &r);
	is_int(r.event_count, 3, "who holds the old descriptor finds the file");
	const struct json_value *j = json_file(in_dir("out.json"));

	is_int(int_at(json_get(json_get(j, "summary"), "output"), "stderr_bytes"), 9,
	       "with what was counted since");
	trace_close(t, false);
	ok(trace_attach(&other, old, test_redactor, &e) == 0, "and goes on there");
	is_str(trace_path(other), path, "under its path");
	trace_close(other, true);
	ok(access(path, F_OK) < 0, "which close removes");
	ok(trace_attach(&other, old, test_redactor, &e) == 0 && !trace_path(other),
	   "without the file the old one serves");
	trace_close(other, false);
}

static void test_lock(void)
{
	char *path = in_dir(RUN_ID ".journal");
	struct trace *t = test_open(path, RUN_ID, LEVEL_DEBUG);
	auto_close int fd = open(path, O_RDWR | O_CLOEXEC);
	pid_t pid = fork();
	int ends[2];

	if (pid == 0) {
		pause();
		_exit(0);
	}
	ok(journal_lock(fd) < 0 && errno == EWOULDBLOCK, "a journal is locked");
	trace_close(t, false);
	ok(journal_lock(fd) < 0, "until the last process that shares it");
	kill(pid, SIGKILL);
	waitpid(pid, &ends[0], 0);
	ok(journal_lock(fd) == 0, "has gone");
	unlink(path);
}

/* The disk is full: RLIMIT_FSIZE refuses what fallocate asks for. Its own process. */
static void test_full(void)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		struct rlimit lim = { 256 << 10, 256 << 10 };
		struct trace *t = test_open(in_dir(RUN_ID ".journal"), RUN_ID, LEVEL_DEBUG);
		span_id root = trace_span_begin(t, 0, SPAN_RUN_TOTAL, NULL, MONO, NULL);
		span_id s = trace_span_begin(t, root, SPAN_RUNNER_DISPATCH, NULL, MONO, NULL);
		struct rlimit none = { RLIM_INFINITY, RLIM_INFINITY };
		struct seal_result r;
		int bad = 0;
		const struct json_value *j;

		signal(SIGXFSZ, SIG_IGN);
		none.rlim_max = lim.rlim_max = RLIM_INFINITY;
		setrlimit(RLIMIT_FSIZE, &lim);
		for (int i = 0; i < 20000; i++)
			trace_checkpoint_named(t, s, "filling", MONO + i, NULL);
		bad |= trace_error(t) != EFBIG;
		bad |= (trace_span_begin(t, s, SPAN_CASE_RUN, NULL, MONO, NULL) != 0) << 1;
		trace_span_end(t, s, STATUS_OK, CATEGORY_NONE, NULL, TOKEN_NONE, MONO + 30000, NULL);
		trace_finish(t, false, 9, STATUS_ERROR, MONO + 40000);
		setrlimit(RLIMIT_FSIZE, &none);
		j = test_seal(trace_fd(t), false, &r);
		bad |= (!j || trace_fault(j) || r.event_count < 1000 || !r.dropped) << 2;
		bad |= (strcmp(text_at(item_at(json_get(j, "spans"), 1), "status"), "ok") != 0) << 3;
		bad |= (r.exit_code != 9 || !r.finished) << 4;
		bad |= !is_kind(json_get(json_get(json_get(j, "summary"), "recording"), "complete"), JSON_FALSE) << 5;
		trace_close(t, true);
		_exit(bad);
	}
	waitpid(pid, &status, 0);
	ok(WIFEXITED(status), "a full disk is no SIGBUS");
	is_int(WEXITSTATUS(status), 0, "it is reported, the ends and the result are kept");
}

static void test_memory_bound(void)
{
	struct trace *t = test_open(NULL, RUN_ID, LEVEL_DEBUG);
	span_id root = trace_span_begin(t, 0, SPAN_RUN_TOTAL, NULL, MONO, NULL);
	struct seal_result r;

	for (int i = 0; i < 300000; i++)
		trace_checkpoint_named(t, root, "for.ever", MONO + i, NULL);
	trace_finish(t, true, 0, STATUS_OK, MONO + 300000);
	ok(lseek(trace_fd(t), 0, SEEK_END) <= JOURNAL_MEMORY_MAX_BYTES, "an anonymous journal is bounded");
	is_int(trace_error(t), 0, "which is no error");
	test_seal(trace_fd(t), false, &r);
	ok(r.pass && r.dropped && r.event_count + r.dropped == 300000, "what found no room is counted");
	trace_close(t, true);
}

static void test_big_record(void)
{
	struct trace *t = test_open(in_dir(RUN_ID ".journal"), RUN_ID, LEVEL_DEBUG);
	span_id root = trace_span_begin(t, 0, SPAN_RUN_TOTAL, NULL, MONO, NULL);
	auto_str big = STR_INIT;
	auto_attrs a = { 0 };
	struct seal_result r;
	const struct json_value *j;

	str_addc(&big, '"');
	for (int i = 0; i < 3000000; i++)
		str_addc(&big, 'x');
	str_addc(&big, '"');
	attrs_init(&a, t);
	attrs_raw(&a, "big", big.data);
	trace_event(t, root, EVENT_CHECKPOINT, MONO + 1, &a);
	trace_checkpoint_named(t, root, "small", MONO + 2, NULL);
	trace_finish(t, true, 0, STATUS_OK, MONO + 3);
	j = test_seal(trace_fd(t), false, &r);
	is_int(strlen(text_at(json_get(item_at(json_get(j, "events"), 0), "attrs"), "big")),
	       3000000, "a record larger than the window");
	trace_close(t, true);
}

int main(void)
{
	test_setup();
	test_torn();
	test_publish();
	test_lock();
	test_full();
	test_memory_bound();
	test_big_record();
	test_kill();
	test_teardown();
	return tap_done();
}
