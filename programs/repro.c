/* SPDX-License-Identifier: Apache-2.0 */
/* spec-runner repro [TRACE|DIR|RUN_ID] [-- CMD…]: a hang of CI, reproduced locally (docs/contract/repro.md). This file
 * gathers what a session needs; the session itself is runner/repro. */
#include "base/clock.h"
#include "base/fd.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/value.h"
#include "liveness/dialect.h"
#include "runner/cli/program.h"
#include "runner/config/libexec.h"
#include "runner/repro/again.h"
#include "runner/repro/rate.h"
#include "runner/repro/session.h"
#include "trace/emit.h"
#include "trace/redact.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#define DELAY_LIBRARY "spec-runner-delay.so"
#define STALL_WITHOUT_TRACE_MS 0 /* the default of `run` */

struct words {
	const char *trace; /* NULL: the newest */
	char **command;    /* behind --; NULL: as recorded */
};

static int usage(struct err *e, const char *what)
{
	return err_set(e, ERR_USAGE, "%s; usage: spec-runner repro [TRACE|DIR|RUN_ID] [OPTIONS] [-- CMD [ARG...]]",
		       what);
}

static int words_read(struct words *w, struct cli *cli, struct err *e)
{
	int behind = 0;

	memset(w, 0, sizeof(*w));
	for (int i = 0; i < cli->all_argc; i++)
		if (strcmp(cli->all_args[i], "--") == 0) {
			behind = cli->all_argc - i - 1;
			if (!behind)
				return usage(e, "no command after '--'");
			break;
		}
	if (behind)
		w->command = cli->operands + (cli->operand_count - behind);
	if (cli->operand_count - behind > 1)
		return usage(e, "more than one trace");
	w->trace = cli->operand_count - behind ? cli->operands[0] : NULL;
	if ((cli->o.repro.again || cli->o.repro.confirm_fix) && w->trace)
		return usage(e, "--again and --confirm-fix take everything from their file");
	if (cli->o.repro.again && cli->o.repro.confirm_fix)
		return usage(e, "--again and --confirm-fix exclude each other");
	return 0;
}

/* ---- the target ---- */

static char *artifacts(const struct cli *cli)
{
	return cli->o.artifacts_dir[0] == '/' ? xstrdup(cli->o.artifacts_dir)
					      : path_join(cli->root, cli->o.artifacts_dir);
}

static int target_open(struct session *s, const struct cli *cli, const struct words *w, struct err *e)
{
	auto_free char *dir = artifacts(cli), *trace = NULL, *here = NULL;

	if (w->command && !w->trace) {
		here = getcwd(NULL, 0);
		target_of_command(&s->target, w->command, here ? here : cli->root);
		return 0;
	}
	trace = target_find(w->trace, dir, e);
	if (!trace || target_read(&s->target, trace, e) < 0)
		return -1;
	if (w->command) {
		strv_release(&s->target.argv);
		for (char **p = w->command; *p; p++)
			strv_add(&s->target.argv, *p);
	}
	return 0;
}

static int check_redacted(const struct strv *argv, struct err *e)
{
	size_t at = target_redacted_word(argv);

	if (!at)
		return 0;
	return err_set(
		e, ERR_USAGE,
		"word %zu of the recorded command is redacted (%s) and cannot be repeated: give the command after --",
		at, argv->v[at - 1]);
}

/* What is not here can neither hang nor say anything of a fix; unless that is what was recorded. */
static int check_here(const struct session *s, struct err *e)
{
	const struct launch *l = &s->launch;
	const char *word = s->selection.argv.v[0];
	auto_free char *program = NULL;
	struct stat st;

	if (stat(l->cwd, &st) < 0 || !S_ISDIR(st.st_mode))
		return err_set(e, ERR_USAGE,
			       "the working folder '%s' of the recorded command is not here: make it, or run in "
			       "another checkout",
			       l->cwd);
	program = target_program(word, l->cwd, launch_search(l));
	if (program || (s->target.pattern_id && str_starts(s->target.pattern_id, "fail.missing")))
		return 0;
	return err_set(e, ERR_USAGE,
		       "'%s' is not a program that can be run here: install or build it, or give the command after --",
		       word);
}

/* ---- the machine ---- */

static void allowed_cpus(struct session *s)
{
	struct launch *l = &s->launch;
	uint32_t have;

	CPU_ZERO(&l->allowed);
	if (sched_getaffinity(0, sizeof(l->allowed), &l->allowed) < 0)
		CPU_SET(0, &l->allowed);
	have = (uint32_t)CPU_COUNT(&l->allowed);
	l->cpus = have;
	if (s->target.cpus > 0 && s->target.cpus < have) {
		for (int c = CPU_SETSIZE - 1; c >= 0 && l->cpus > s->target.cpus; c--)
			if (CPU_ISSET((size_t)c, &l->allowed)) {
				CPU_CLR((size_t)c, &l->allowed);
				l->cpus--;
			}
		s->trace_note = xasprintf("the run had %lld processors: runs are bound to as many of the %u here",
					  (long long)s->target.cpus, have);
	} else if (s->target.cpus > have) {
		s->trace_note = xasprintf("the run had %lld processors, this machine has %u: timing differs",
					  (long long)s->target.cpus, have);
	}
}

/* ---- the session ---- */

static uint64_t random_seed(void)
{
	uint64_t seed = 0;

	if (getrandom(&seed, sizeof(seed), 0) != sizeof(seed))
		seed = (uint64_t)clock_real_ns();
	return seed >> 16; /* people type it */
}

static int parse_confidence(const char *text, double *c, struct err *e)
{
	char *end;

	*c = strtod(text, &end);
	if (*end || end == text || !(*c > 0 && *c < 1))
		return err_set(e, ERR_USAGE, "--confidence must be a number above 0 and below 1, not '%s'", text);
	return 0;
}

static int open_folder(struct session *s, const struct cli *cli, struct err *e)
{
	auto_free char *dir = artifacts(cli), *repro = path_join(dir, "repro"), *rows = NULL;
	char run_id[RUN_ID_SIZE];

	run_id_make(run_id, clock_real_ns());
	snprintf(s->id, sizeof(s->id), "repro-%s", run_id + strlen("run-"));
	s->folder = path_join(repro, s->id);
	if (path_mkdirs(s->folder, e) < 0)
		return -1;
	rows = path_join(s->folder, "runs.jsonl");
	s->rows = fopen(rows, "we");
	return s->rows ? 0 : err_sys(e, "making '%s'", rows);
}

static int make_plan(struct session *s, struct err *e)
{
	const struct repro_options *ro = s->ro;
	struct setting_bounds b = { .cpus = s->launch.cpus };
	struct selection shuffled;
	struct family best = s->plan.family[0];
	bool fixed = s->plan.fixed, automatic;
	uint64_t seed = ro->seed >= 0 ? (uint64_t)ro->seed : fixed ? s->plan.seed : random_seed();
	uint32_t kinds;

	if (setting_parse_kinds(ro->perturb, &kinds, &automatic, e) < 0)
		return -1;
	b.available = 1u << PERTURB_PAUSE | 1u << PERTURB_LOAD | 1u << PERTURB_KNOBS;
	if (s->launch.delay_library)
		b.available |= 1u << PERTURB_DELAY;
	if (s->launch.cpus > 1)
		b.available |= 1u << PERTURB_CPUS;
	if (selection_shuffled(s, 1, &shuffled)) {
		b.available |= 1u << PERTURB_ORDER;
		selection_release(&shuffled);
	}
	if (!automatic && kinds != (1u << PERTURB_COUNT) - 1 && (kinds & ~b.available)) {
		for (int k = 0; k < PERTURB_COUNT; k++)
			if (kinds & ~b.available & 1u << k)
				say_line(s, "repro: '%s' cannot be perturbed here and is left out", perturb_text[k]);
	}
	plan_init(&s->plan, seed, kinds, automatic && !fixed, &b);
	if (fixed) {
		s->plan.fixed = true;
		s->plan.family[0] = (struct family){ .origin = best.origin };
		s->plan.families = 1;
	}
	return 0;
}

static int session_open(struct session *s, struct cli *cli, struct err *e)
{
	struct launch *l = &s->launch;

	s->o = &cli->o;
	s->ro = &cli->o.repro;
	s->root = cli->root;
	s->on_terminal = isatty(STDERR_FILENO) && cli->o.color != TRI_NEVER && getenv("TERM") &&
			 strcmp(getenv("TERM"), "dumb") != 0;
	s->started_ns = s->said_ns = clock_mono_ns();
	s->until_ns = s->ro->for_ms ? clock_add(s->started_ns, clock_ms_to_ns(s->ro->for_ms)) : TIME_NEVER;
	l->envp = cli->envp;
	l->program = libexec_main_program();
	l->delay_library = libexec_beside(DELAY_LIBRARY);
	if (!l->program)
		return err_set(e, ERR_FAILURE, "the program spec-runner is not found beside this one or on PATH");
	if (redactor_new(&s->redactor, cli->envp, &cli->o.redact_env, &cli->o.redact_patterns, e) < 0 ||
	    knobs_load((struct knobs **)&l->knobs, e) < 0)
		return -1;
	return dialect_set_new(&s->dialects, e);
}

static void session_settle(struct session *s, const struct cli *cli)
{
	struct launch *l = &s->launch;

	l->folder = s->folder;
	l->cwd = s->target.cwd[0] == '/'           ? s->target.cwd
		 : strcmp(s->target.cwd, ".") == 0 ? cli->root
						   : path_join(cli->root, s->target.cwd);
	l->stall_ms = option_source(&cli->o, option_by_key("liveness.stall_ms")) > SOURCE_DEFAULT
			      ? cli->o.liveness_stall_ms
			      : s->target.stall_ms;
	l->test_timeout_ms = s->target.test_timeout_ms;
	l->dialect = s->target.dialect && strcmp(s->target.dialect, "auto") != 0 ? s->target.dialect : NULL;
	allowed_cpus(s);
}

static void session_close(struct session *s)
{
	if (s->rows)
		fclose(s->rows);
	selection_release(&s->selection);
	target_release(&s->target);
	found_release(&s->hit);
	strv_release(&s->shrunk.tests);
	strv_release(&s->missed);
	knobs_free((struct knobs *)s->launch.knobs);
	dialect_set_free(s->dialects);
	redactor_free(s->redactor);
	free((char *)s->launch.program);
	free((char *)s->launch.delay_library);
	free(s->folder);
	free(s->trace_note);
}

static int exit_code(const struct session *s)
{
	if (s->interrupted)
		return 128 + s->interrupted;
	return s->conclusion == CONCLUSION_REPRODUCED || s->conclusion == CONCLUSION_GONE ? 0 : 1;
}

static int run(struct session *s, struct err *e)
{
	int rc = session_run_all(s, e);

	session_conclude(s);
	if (rc == 0 && s->ro->shrink && s->first_hit && !s->interrupted)
		rc = session_shrink(s, e);
	if (session_write(s, e) < 0 || rc < 0)
		return cli_fail(e);
	session_remember(s);
	say_end(s);
	if (s->ro->keep_alive && s->first_hit && !s->interrupted) {
		if (session_keep_alive(s, e) < 0)
			return cli_fail(e);
		s->interrupted = 0; /* that is how it is left */
	}
	return exit_code(s);
}

/* How many runs the statement "gone" needs; where that cannot be said or done, the answer is known already. */
static void plan_confirmation(struct session *s, double low, double confidence)
{
	int64_t needed = rate_runs_to_confirm(low, confidence);

	s->confirm_runs = needed > 20 ? needed : 20;
	if (s->confirm_runs > s->ro->runs) {
		if (low <= 0)
			say_line(s, "repro: the recorded rate may be 0: no number of runs can say that it is gone");
		else
			say_line(s, "repro: %lld runs are needed at this rate: give --runs %lld",
				 (long long)s->confirm_runs, (long long)s->confirm_runs);
	}
}

static int prepare(struct session *s, struct cli *cli, double *low, struct err *e)
{
	const char *earlier = s->ro->again ? s->ro->again : s->ro->confirm_fix;
	struct words w;

	if (words_read(&w, cli, e) < 0)
		return -1;
	if (earlier) {
		if (again_read(s, earlier, low, e) < 0)
			return -1;
		if (w.command) {
			strv_release(&s->selection.argv);
			for (char **p = w.command; *p; p++)
				strv_add(&s->selection.argv, *p);
		}
		if (check_redacted(&s->selection.argv, e) < 0)
			return -1;
	} else if (target_open(s, cli, &w, e) < 0 || check_redacted(&s->target.argv, e) < 0) {
		return -1;
	}
	if (!earlier)
		selection_make(s);
	/* what was given after -- may hold a secret: the value of --token is one wherever it turns up */
	redactor_learn_argv(s->redactor, s->selection.argv.v);
	return 0;
}

static int body(struct cli *cli)
{
	static struct session s;
	struct err e = { 0 };
	double low = 0, confidence;
	int code;

	if (session_open(&s, cli, &e) < 0 || parse_confidence(cli->o.repro.confidence, &confidence, &e) < 0 ||
	    prepare(&s, cli, &low, &e) < 0) {
		code = cli_fail(&e);
		session_close(&s);
		return code;
	}
	session_settle(&s, cli);
	if (check_here(&s, &e) < 0 || make_plan(&s, &e) < 0 || open_folder(&s, cli, &e) < 0) {
		code = cli_fail(&e);
		session_close(&s);
		return code;
	}
	s.launch.folder = s.folder;
	if (cli->o.repro.confirm_fix)
		plan_confirmation(&s, low, confidence);
	say_start(&s);
	say_differences(&s);
	code = run(&s, &e);
	session_close(&s);
	return code;
}

int main(int argc, char **argv)
{
	return program_main("repro", argc, argv, body);
}
