/* SPDX-License-Identifier: Apache-2.0 */
/* bench_journal - what recording costs: nanoseconds an event in the journal against one write(2) of
 * the same bytes, and time and memory of sealing a million of them. Usage: bench_journal [FOLDER
 * [EVENTS]]. Exit 1 where a bound of the project is missed (100 ns, 2 s, 32 MiB). */
#include "base/clock.h"
#include "base/mem.h"
#include "base/path.h"
#include "trace/emit.h"
#include "trace/seal.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define ROUNDS 5

extern char **environ;

static void fill(struct attrs *a, struct trace *t, int64_t i)
{
	attrs_init(a, t);
	attrs_int(a, "idle_ms", i % 1000);
	attrs_int(a, "running", 1);
	attrs_int(a, "processes", 4);
	attrs_int(a, "cpu_ms", i);
	attrs_int(a, "rss_bytes", 123456789);
}

static double record_ns(struct trace *t, span_id span, long events)
{
	struct attrs a = { 0 };
	int64_t from = clock_mono_ns();

	for (long i = 0; i < events; i++) {
		fill(&a, t, i);
		trace_event(t, span, EVENT_HEARTBEAT, from + i, &a);
	}
	attrs_release(&a);
	return (double)(clock_mono_ns() - from) / (double)events;
}

static double write_ns(const char *dir, struct trace *t, long events)
{
	auto_free char *path = path_join(dir, "bench.written");
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0600);
	struct attrs a = { 0 };
	int64_t from = clock_mono_ns();

	for (long i = 0; i < events; i++) {
		fill(&a, t, i);
		str_reserve(&a.json, 40);
		if (write(fd, a.json.data, a.json.len + 40) < 0)
			return -1;
	}
	from = clock_mono_ns() - from;
	close(fd);
	unlink(path);
	attrs_release(&a);
	return (double)from / (double)events;
}

static long rss_peak_kib(void)
{
	struct rusage ru;

	getrusage(RUSAGE_SELF, &ru);
	return ru.ru_maxrss;
}

static struct trace *open_trace(const char *dir, struct redactor **r)
{
	struct strv none = STRV_INIT;
	auto_str env = STR_INIT;
	struct err e = { .kind = ERR_NONE };
	char id[RUN_ID_SIZE];
	char *args[] = { "--", "true", NULL };
	struct trace_meta m = { .run_id = id, .command = "run", .args = args, .envp = environ, .root = dir,
				.level = LEVEL_DEBUG };
	struct trace *t;

	m.start_real_ns = clock_real_ns();
	m.start_mono_ns = clock_mono_ns();
	run_id_make(id, m.start_real_ns);
	env_facts(environ, NULL, &env);
	m.environment_json = str_cstr(&env);
	auto_free char *name = xasprintf("%s/%s.journal", dir, id);

	if (redactor_new(r, environ, &none, &none, &e) < 0 || trace_open(&t, name, &m, *r, &e) < 0) {
		fprintf(stderr, "bench_journal: %s\n", e.msg);
		exit(2);
	}
	return t;
}

static double seal_ms(const char *dir, struct trace *t, uint64_t *count)
{
	auto_free char *out = path_join(dir, "bench.run-trace.json");
	auto_free char *md = path_join(dir, "bench.summary.md");
	struct seal_request q = { .journal_fd = trace_fd(t), .trace_out = out, .summary_out = md };
	struct err e = { .kind = ERR_NONE };
	struct seal_result res;
	int64_t from = clock_mono_ns();

	if (seal_run(&q, &res, &e) < 0) {
		fprintf(stderr, "bench_journal: %s\n", e.msg);
		exit(2);
	}
	*count = res.event_count;
	from = clock_mono_ns() - from;
	unlink(out);
	unlink(md);
	return (double)from / 1e6;
}

/* A trivial run from nothing to its sealed trace: the part that recording adds to every run. */
static double whole_us(const char *dir)
{
	int64_t from = clock_mono_ns();
	struct redactor *r;
	struct trace *t = open_trace(dir, &r);
	span_id root = trace_span_begin(t, 0, SPAN_RUN_TOTAL, NULL, clock_mono_ns(), NULL);
	uint64_t count;

	for (int i = 0; i < 20; i++)
		trace_checkpoint_named(t, root, "bench.step", clock_mono_ns(), NULL);
	trace_finish(t, true, 0, STATUS_OK, clock_mono_ns());
	seal_ms(dir, t, &count);
	trace_close(t, true);
	redactor_free(r);
	return (double)(clock_mono_ns() - from) / 1e3;
}

int main(int argc, char **argv)
{
	const char *dir = argc > 1 ? argv[1] : access("/dev/shm", W_OK) == 0 ? "/dev/shm" : ".";
	long events = argc > 2 ? atol(argv[2]) : 1000000;
	struct redactor *r;
	struct trace *t = open_trace(dir, &r);
	span_id root = trace_span_begin(t, 0, SPAN_RUN_TOTAL, NULL, clock_mono_ns(), NULL);
	double best = 1e9, best_write = 1e9, ms, whole = 1e9;
	uint64_t count;

	if (events < ROUNDS)
		events = ROUNDS;
	for (int i = 0; i < ROUNDS; i++) {
		double ns = record_ns(t, root, events / ROUNDS), w = write_ns(dir, t, events / ROUNDS);

		best = ns < best ? ns : best;
		best_write = w < best_write ? w : best_write;
	}
	trace_finish(t, true, 0, STATUS_OK, clock_mono_ns());
	ms = seal_ms(dir, t, &count);
	printf("journal: %.1f ns an event; write(2): %.1f ns (best of %d rounds)\n", best, best_write, ROUNDS);
	printf("seal: %llu events in %.0f ms; peak resident set %ld KiB\n", (unsigned long long)count, ms,
	       rss_peak_kib());
	trace_close(t, true);
	redactor_free(r);
	for (int i = 0; i < 20; i++) {
		double us = whole_us(dir);

		whole = us < whole ? us : whole;
	}
	printf("a trivial run: %.0f us from redactor to sealed trace\n", whole);
	return best < 100 && ms < 2000.0 * (double)events / 1e6 + 10 && rss_peak_kib() < 32768 ? 0 : 1;
}
