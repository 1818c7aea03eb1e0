/* SPDX-License-Identifier: Apache-2.0 */
/* The end of a run, in whichever process is left: the result is recorded, the journal sealed, the
 * findings written, what is too old removed. */
#include "base/clock.h"
#include "base/mem.h"
#include "base/path.h"
#include "runner/proc/contain.h"
#include "runner/proc/finish.h"
#include "runner/proc/junit.h"
#include "runner/proc/orphans.h"
#include "runner/proc/paths.h"
#include "runner/proc/remember.h"
#include "runner/proc/sampling.h"
#include "runner/proc/stream.h"
#include "runner/proc/sampling_recover.h"
#include "trace/seal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* For explaining one recovered run. */
#define RECOVERED_NS (10 * NS_PER_S)
#define RECOVERED_TOLD 5 /* one by one, on the console */
#define STOP_COMMANDS_NS (1 * NS_PER_S)

static const char *const tail_name[STREAM_COUNT] = { "stdout.tail", "stderr.tail" };

static bool finish_wants_trace(const struct context *c, int exit_code)
{
	if (c->o->profile_level != LEVEL_OFF || c->setup->force_trace || c->looked)
		return true;
	return exit_code != 0 && c->o->profile_on_fail != 0;
}

/* What the command printed last, redacted, as raw evidence. */
static int finish_tails(struct context *c, struct err *e)
{
	int rc = 0;

	for (int i = 0; i < STREAM_COUNT; i++) {
		size_t keep = (size_t)c->o->output_tail_bytes;
		auto_str window = STR_INIT, tail = STR_INIT;
		auto_free char *path = NULL;

		if (!keep || !atomic_load(&c->shared->ring[i].read_total))
			continue;
		stream_tail(&c->shared->ring[i], c->shared->ring_data[i], c->shared->ring_bytes,
			    keep + SHARED_CONTEXT_BYTES, &window);
		redact_tail(c->redactor, str_cstr(&window), window.len, keep, &tail);
		if (atomic_load(&c->shared->ring[i].read_total) > keep)
			trace_totals(c->trace)->truncated = 1;
		path = path_join(c->paths.raw, tail_name[i]);
		if (file_write(path, tail.data, tail.len, e) < 0)
			rc = -1;
	}
	return rc;
}

static int finish_seal(struct context *c, bool lost, int64_t now, struct err *e)
{
	auto_free char *attrs = NULL;
	struct seal_result r;
	struct seal_request q = {
		.journal_fd = trace_fd(c->trace),
		.trace_out = c->paths.trace,
		.summary_out = c->paths.summary,
		.lost = lost,
		.now_mono_ns = now,
		.gate_json = c->setup->summary_json ? c->setup->summary_json(c->setup->ctx) : NULL,
	};

	seal_take_span_attrs(&q, c->paths.raw, &attrs);
	if (seal_run(&q, &r, e) < 0)
		return -1;
	q.trace_out = c->paths.trace_copy;
	q.summary_out = NULL;
	return q.trace_out ? seal_run(&q, &r, e) : 0;
}

struct recovered {
	struct context *c;
	unsigned n;
};

static void finish_recovered(void *arg, const char *journal, const char *out_dir, const struct err *problem)
{
	struct recovered *r = arg;
	struct context *c = r->c;
	struct err e = { 0 };

	if (!out_dir && !problem)
		return; /* of a run that goes on, ours for one */
	if (out_dir && orphans_end_of_journal(journal))
		say(c, "ended what an earlier run had left running (%s)", journal);
	if (r->n++ >= RECOVERED_TOLD)
		return; /* a machine that went down in a storm leaves many: they are sealed and counted */
	if (problem)
		say(c, "recovering an earlier run: %s", problem->msg);
	if (out_dir) {
		auto_free char *trace = path_join(out_dir, "run-trace.json");

		say(c, "an earlier run had lost its supervisor (%s): its trace is in %s", journal, out_dir);
		if (proc_explain(trace, c->setup->envp, c->o, true, clock_mono_ns() + RECOVERED_NS, &e) < 0)
			say(c, "%s", e.msg);
	}
}

/* Seals what a dead supervisor of this root left behind (contract 4: "the next spec-runner"). */
/* True where something was. */
static bool finish_recover_others(struct context *c)
{
	struct recovered r = { .c = c };
	struct err e = { 0 };
	int n;

	if (c->cancelled || access(c->paths.artifacts, F_OK) < 0)
		return false; /* cancelled: the next run has more time */
	sampling_recover(c->paths.artifacts, c->setup->root, c->setup->envp, c->o, clock_mono_ns() + RECOVERED_NS);
	n = seal_recover_each(c->paths.artifacts, finish_recovered, &r, &e);
	if (r.n > RECOVERED_TOLD)
		say(c, "and %u more runs had lost theirs: see %s/recovered", r.n - RECOVERED_TOLD, c->paths.artifacts);
	if (n < 0)
		say(c, "recovering an earlier run: %s", e.msg);
	return n > 0;
}

/* Nothing can be written where the files belong: a read-only checkout, a full disk. The answer is told all the same. */
static bool finish_elsewhere(struct context *c, int exit_code, bool lost, int64_t now)
{
	struct err e = { 0 };

	if (c->o->artifacts_dir_given || c->o->profile_out_given || c->paths.nested ||
	    run_paths_elsewhere(&c->paths, c->run_id, &e) < 0)
		return false;
	if (finish_tails(c, &e) < 0 || finish_seal(c, lost, now, &e) < 0 || finish_explain(c, exit_code, &e) < 0) {
		path_remove_tree(c->paths.artifacts, &e);
		return false;
	}
	say_always(c, "the files of this run are in %s", c->paths.artifacts);
	return true;
}

int finish_run(struct context *c, int exit_code, bool lost, int64_t now)
{
	bool wants = finish_wants_trace(c, exit_code);
	int code = exit_code;
	struct err e = { 0 };
	bool failed = false, sealed = !wants, recovered, told = false;

	/* what follows may be annotations that we print */
	stop_commands_finish(&c->shared->stop, &c->outlet[STREAM_OUT], now + STOP_COMMANDS_NS);

	sampling_finish(c);
	if (wants && finish_tails(c, &e) < 0)
		failed = true;
	if (!lost)
		trace_finish(c->trace, exit_code == 0, exit_code,
			     exit_code == 0 ? STATUS_OK : c->end_status ? c->end_status : STATUS_ERROR, now);
	if (wants) {
		sealed = finish_seal(c, lost, now, &e) == 0;
		failed |= !sealed;
	}
	if (wants && !failed && finish_explain(c, exit_code, &e) < 0)
		failed = true;
	if (wants && !failed)
		run_paths_keep(&c->paths, c->run_id, exit_code != 0);
	if (wants && failed) {
		say_always(c, "%s", e.msg);
		told = true;
		sealed |= finish_elsewhere(c, exit_code, lost, now);
	}
	if (finish_junit(c, wants && sealed, lost, now) < 0 && code == 0)
		code = 125;
	remember_run(c, wants && sealed, lost, now);
	if (wants && trace_error(c->trace))
		say_always(c, "recording stopped early: %s", strerror(trace_error(c->trace)));
	if (c->late_cancel) {
		c->cancelled = true;
		code = 128 + c->late_cancel;
	}
	if (failed && !told)
		say_always(c, "%s", e.msg);
	if ((failed || c->sampling.unwritten || (wants && trace_error(c->trace)) || c->lost_output) && code == 0)
		code = 125;
	/* without a sealed trace the journal stays: `recover` may yet make one of it */
	trace_close(c->trace, sealed);
	c->trace = NULL;
	recovered = finish_recover_others(c);
	if (wants || recovered) {
		contain_cgroup_sweep();
		run_paths_retain(&c->paths, c->o->keep_runs, c->o->keep_bytes, c->run_id);
	}
	if (!wants)
		run_paths_drop_raw(&c->paths);
	run_paths_tidy(&c->paths);
	if (wants && !failed && code != 0)
		say(c, "%s (exit code %d); the trace is in %s", lost ? "supervisor lost" : "failed", code,
		    c->paths.trace);
	return code;
}
