/* SPDX-License-Identifier: Apache-2.0 */
/* Options: what stands where, which source wins, and what a wrong word is told. */
#include "runner/config/command_line.h"
#include "base/mem.h"
#include "tests/tap.h"

#include <stdlib.h>
#include <unistd.h>

#define A_TIME "a whole number from 0 to 31536000000 or a time such as 500ms, 90s, 10m or 1h30m"

static const struct verb_syntax syntaxes[] = {
	{ .name = "run", .bit = VERB_RUN, .takes_command = true, .reads_values = true },
	{ .name = "ci-gate-summary", .bit = VERB_GATE, .reads_values = true },
	{ .name = "governance", .bit = VERB_GOVERNANCE, .reads_values = true },
	{ .name = "test", .bit = VERB_TEST, .reads_values = true },
	{ .name = "report", .bit = VERB_REPORT, .reads_values = true },
	{ .name = "help", .bit = VERB_HELP },
};

static const struct verb_syntax *find(const char *verb)
{
	for (size_t i = 0; i < sizeof(syntaxes) / sizeof(*syntaxes); i++)
		if (strcmp(syntaxes[i].name, verb) == 0)
			return &syntaxes[i];
	return NULL;
}

struct parsed {
	struct strv words;
	struct command_line cl;
	struct options o;
	struct config c;
	struct err e;
	int rc;
};

static char *env_none[] = { NULL };
static char root[] = "/tmp/spec-runner-options-XXXXXX";

/* words: separated by blanks; `_` stands for an empty word. */
static void parse(struct parsed *p, const char *words, char *const envp[])
{
	char *copy = xstrdup(words), *at = NULL;

	memset(p, 0, sizeof(*p));
	strv_add(&p->words, "spec-runner");
	for (char *w = strtok_r(copy, " ", &at); w; w = strtok_r(NULL, " ", &at))
		strv_add(&p->words, strcmp(w, "_") ? w : "");
	free(copy);
	p->rc = command_line_split(&p->cl, (int)p->words.n, p->words.v, find, &p->e);
	if (p->rc == 0)
		p->rc = options_read(&p->o, &p->c, &p->cl, envp, root, &p->e);
}

static void release(struct parsed *p)
{
	options_release(&p->o);
	config_release(&p->c);
	command_line_release(&p->cl);
	strv_release(&p->words);
}

static void test_defaults(void)
{
	struct parsed p;

	parse(&p, "run x", env_none);
	is_int(p.rc, 0, "no options at all: %s", p.e.msg);
	is_int(p.o.profile_level, 0, "profile-level off");
	is_str(p.o.profile_out, "/.artifacts/run-trace.json", "profile-out");
	is_str(p.o.profile_summary_out, "/.artifacts/run-trace-summary.md", "profile-summary-out");
	is_int(p.o.profile_heartbeat_ms, 1000, "profile-heartbeat-ms");
	is_int(p.o.profile_stall_threshold_ms, 10000, "profile-stall-threshold-ms");
	is_int(p.o.profile_on_fail, 1, "profile-on-fail basic");
	is_int(p.o.liveness_level, 1, "liveness-level basic");
	is_int(p.o.liveness_stall_ms, 30000, "liveness-stall-ms");
	is_int(p.o.liveness_min_events, 1, "liveness-min-events");
	is_int(p.o.liveness_hard_cap_ms, 1800000, "liveness-hard-cap-ms");
	is_int(p.o.liveness_kill_grace_ms, 5000, "liveness-kill-grace-ms");
	is_int(p.o.timeout_ms + p.o.test_timeout_ms + p.o.deadline_real_ns, 0, "no limits");
	is_int(p.o.drain_ms, 2000, "drain-ms");
	is_int(p.o.diagnose_ms, 3000, "diagnose-ms");
	is_int(p.o.output_tail_bytes, 65536, "output-tail-bytes");
	is_int(p.o.contain, CONTAIN_AUTO, "contain");
	is_int(p.o.pty, TRI_AUTO, "pty");
	is_str(p.o.dialect, "auto", "dialect");
	is_str(p.o.artifacts_dir, ".artifacts", "artifacts-dir");
	is_int(p.o.keep_runs, 20, "keep-runs");
	is_int(p.o.keep_bytes, 256 << 20, "keep-bytes");
	ok(p.o.fail_fast && !p.o.quiet && !p.o.json && !p.o.junit, "truths");
	ok(!p.o.profile_out_given && !p.o.profile_summary_out_given && !p.o.artifacts_dir_given, "nothing given");
	release(&p);
}

static void test_places(void)
{
	struct parsed p;

	parse(&p, "--profile-level detailed run --timeout-ms=5 --quiet prog --timeout-ms 7 -- --quiet", env_none);
	is_int(p.rc, 0, "options on both sides of the verb: %s", p.e.msg);
	is_int(p.o.profile_level, 2, "before it");
	is_int(p.o.timeout_ms, 5, "behind it");
	is_int(p.cl.operand_count, 5, "the command's words are its own");
	is_str(p.cl.operands[0], "prog", "from the first word that is no option");
	is_str(p.cl.operands[4], "--quiet", "to the last, '--' included");
	is_int(p.cl.all_argc, 9, "everything but the verb is kept");
	is_str(p.cl.all_args[2], "--timeout-ms=5", "as given");
	release(&p);

	parse(&p, "run -- --help", env_none);
	ok(p.rc == 0 && !p.cl.help && p.cl.operand_count == 1, "behind '--' nothing is an option");
	release(&p);
	parse(&p, "governance a --check-prefix x. b --check-prefix y. -- --c", env_none);
	is_int(p.rc, 0, "options and operands mix: %s", p.e.msg);
	is_int(p.cl.operand_count, 3, "three operands");
	is_int(p.o.check_prefix.n, 2, "a list grows");
	release(&p);
	parse(&p, "frobnicate --whatever x", env_none);
	ok(p.rc == 0 && !p.cl.syntax && p.cl.all_argc == 2, "behind a verb that is not ours nothing is read");
	release(&p);
	parse(&p, "ci-gate-summary --trace-out t.json --out o.json", env_none);
	ok(p.rc == 0 && p.o.profile_out_given, "--trace-out is --profile-out");
	is_str(p.o.profile_out, "t.json", "with its value");
	is_str(p.o.out, "o.json", "--out");
	release(&p);
}

static void test_fail_fast(void)
{
	static const struct {
		const char *words;
		char *env[2];
		bool want;
	} rows[] = {
		{ "ci-gate-summary", { NULL }, true },
		{ "ci-gate-summary --continue-on-fail", { NULL }, false },
		{ "ci-gate-summary --fail-fast --continue-on-fail", { NULL }, false },
		{ "--continue-on-fail ci-gate-summary --fail-fast", { NULL }, true },
		{ "ci-gate-summary", { (char *)"SPEC_RUNNER_FAIL_FAST=0" }, false },
		{ "ci-gate-summary", { (char *)"SPEC_RUNNER_FAIL_FAST=No" }, false },
		{ "ci-gate-summary --fail-fast", { (char *)"SPEC_RUNNER_FAIL_FAST=false" }, true },
		{ "ci-gate-summary --continue-on-fail", { (char *)"SPEC_RUNNER_FAIL_FAST=1" }, false },
		{ "ci-gate-summary --fail-fast=off", { NULL }, false },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct parsed p;

		parse(&p, rows[i].words, rows[i].env);
		ok(p.rc == 0 && p.o.fail_fast == rows[i].want, "%s, %s", rows[i].words,
		   rows[i].env[0] ? rows[i].env[0] : "no variable");
		release(&p);
	}
}

static void write_config(const char *text)
{
	auto_free char *path = xasprintf("%s/spec-runner.yaml", root);
	FILE *f = fopen(path, "w");

	if (!f || fputs(text, f) < 0 || fclose(f) != 0)
		abort();
}

static void test_precedence(void)
{
	char *env[] = { (char *)"SPEC_RUNNER_LIVENESS_STALL_MS=200",         (char *)"SPEC_RUNNER_REDACT_ENV=B,C",
			(char *)"SPEC_RUNNER_LEAVE_RUNNING=gradle*, ccache", (char *)"SPEC_RUNNER_JUNIT=",
			(char *)"SPEC_RUNNER_REDACT_PATTERN=a{1,3}\nb",      NULL };
	struct parsed p;

	write_config("version: 1\nliveness: {stall_ms: 100, hard_cap_ms: 101, min_events: 2}\n"
		     "redact: {env: [A]}\nrun: {leave_running: [sccache], pty: never}\nartifacts: {dir: out}\n");
	parse(&p, "run --liveness-stall-ms 300 --redact-env D x", env);
	is_int(p.rc, 0, "all sources: %s", p.e.msg);
	is_int(p.o.liveness_stall_ms, 300, "the flag wins");
	is_int(p.o.liveness_hard_cap_ms, 101, "the file goes before the default");
	is_int(p.o.pty, TRI_NEVER, "a word of the file");
	is_int(p.o.redact_env.n, 4, "names to redact add up");
	is_int(p.o.redact_patterns.n, 2, "patterns stand one a line");
	is_str(p.o.redact_patterns.v[0], "a{1,3}", "with their commas");
	is_int(p.o.leave_running.n, 2, "another list is replaced by the higher source");
	is_str(p.o.leave_running.v[1], "ccache", "without the blanks around its values");
	ok(p.o.artifacts_dir_given && !p.o.profile_out_given, "what the file says is given");
	ok(!p.o.junit, "an empty path in the environment is none");
	release(&p);
	parse(&p, "run x", env);
	is_int(p.o.liveness_stall_ms, 200, "the environment goes before the file");
	release(&p);
	parse(&p, "run --liveness-stall-ms 1 --liveness-stall-ms 2 x", env_none);
	is_int(p.o.liveness_stall_ms, 2, "of two flags the last wins");
	release(&p);
	write_config("version: 1\nliveness: {stall_ms: x}\n");
	parse(&p, "run --liveness-stall-ms 300 x", env_none);
	ok(p.rc < 0 && strstr(p.e.msg, "spec-runner.yaml:2:22: 'stall_ms' must be"),
	   "a wrong value is wrong where a flag replaces it, too: %s", p.e.msg);
	release(&p);
	parse(&p, "help", env_none);
	is_int(p.rc, 0, "help needs no values");
	release(&p);
	write_config("version: 1\n");
}

static void refused(const char *words, const char *variable, const char *message)
{
	char *env[] = { (char *)(uintptr_t)variable, NULL };
	struct parsed p;

	parse(&p, words, env);
	is_str(p.rc < 0 ? p.e.msg : "(accepted)", message, "%s%s%s", variable ? variable : "", variable ? " " : "",
	       words);
	is_int(p.e.kind, ERR_USAGE, "  a usage error");
	release(&p);
}

static void test_refusals(void)
{
	refused("run --bogus x", NULL, "unknown option '--bogus'");
	refused("run --profile-levle debug x", NULL,
		"unknown option '--profile-levle' (did you mean '--profile-level'?)");
	refused("run -q x", NULL, "unknown option '-q'");
	refused("run --check-prefix a x", NULL, "'run' does not take the option --check-prefix");
	refused("--check-prefix a run x", NULL, "'run' does not take the option --check-prefix");
	refused("run --trace-out a x", NULL, "'run' does not take the option --trace-out");
	refused("run --timeout-ms", NULL, "--timeout-ms needs a value: --timeout-ms MS");
	refused("run --timeout-ms abc x", NULL,
		"--timeout-ms must be " A_TIME ", not 'abc' (or auto)");
	refused("run --timeout-ms= x", NULL, "--timeout-ms must be " A_TIME ", not '' (or auto)");
	refused("run --timeout-ms 1.5 x", NULL,
		"--timeout-ms must be " A_TIME ", not '1.5' (or auto)");
	refused("run --timeout-ms 99999999999999999999 x", NULL,
		"--timeout-ms must be " A_TIME ", not '99999999999999999999' (or auto)");
	refused("run --liveness-stall-ms 0 x", NULL,
		"--liveness-stall-ms must be a whole number from 1 to 31536000000 or a time such as 500ms, 90s, 10m or 1h30m, not '0'");
	refused("run --timeout-ms x --timeout-ms 5 x", NULL,
		"--timeout-ms must be " A_TIME ", not 'x' (or auto)");
	refused("run --contain jail x", NULL, "--contain must be auto, group, subreaper, cgroup or pidns, not "
		"'jail'");
	refused("run --quiet=maybe x", NULL, "--quiet must be true or false (1, 0, yes, no, on, off), not "
		"'maybe'");
	refused("run --junit _ x", NULL, "--junit must be a path, not ''");
	refused("run --config _ x", NULL, "--config must be a path, not ''");
	refused("run --redact-env _ x", NULL, "--redact-env must be a NAME, not ''");
	refused("run --deadline soon x", NULL,
		"--deadline must be auto, seconds since 1970 or a time such as 2026-11-21T01:30:00Z, not 'soon'");
	refused("test --format xml", NULL, "--format must be tap, tap14, human or junit, not 'xml'");
	refused("-- run", NULL, "a verb must stand before '--'");
	refused("run x", "SPEC_RUNNER_PROFILE_LEVEL=loud",
		"SPEC_RUNNER_PROFILE_LEVEL must be off, basic, detailed or debug, not 'loud'");
	refused("run x", "SPEC_RUNNER_PROFILE_LEVEL=",
		"SPEC_RUNNER_PROFILE_LEVEL must be off, basic, detailed or debug, not ''");
	refused("run x", "SPEC_RUNNER_DRAIN_MS=2x",
		"SPEC_RUNNER_DRAIN_MS must be " A_TIME ", not '2x'");
	refused("run x", "SPEC_RUNNER_FAIL_FAST=ja",
		"SPEC_RUNNER_FAIL_FAST must be true or false (1, 0, yes, no, on, off), not 'ja'");
}

static void test_format_of_two_verbs(void)
{
	struct parsed p;

	parse(&p, "--format sarif report", env_none);
	ok(p.rc == 0 && p.o.format && strcmp(p.o.format, "sarif") == 0,
		"one flag, two verbs, each with its words");
	release(&p);
}

static void test_notes(void)
{
	char *env[] = { (char *)"SPEC_RUNNER_RUN_ID=x", (char *)"SPEC_RUNNER_PROFIL_LEVEL=debug",
			(char *)"SPEC_RUNNER_MINE=1", (char *)"SPEC_RUNNER_REDACTION_KEY=k", NULL };
	struct parsed p;

	parse(&p, "run x", env);
	is_int(p.rc, 0, "a variable that is no option is no error");
	is_int(p.cl.notes.n, 1, "one that is nearly an option is worth a word");
	is_str(p.cl.notes.n ? p.cl.notes.v[0] : "",
	       "SPEC_RUNNER_PROFIL_LEVEL is not an option and is ignored (did you mean 'SPEC_RUNNER_PROFILE_LEVEL'?)",
	       "that names the option");
	release(&p);
}

/* Each row by itself: what help will say of it must be true. */
static void test_table(void)
{
	for (size_t i = 0; i < option_row_count; i++) {
		const struct option_row *row = &option_rows[i];
		bool alone = row->type == OPTION_BOOL || row->type == OPTION_NOT;

		ok(alone == !row->metavar && row->help && *row->help && row->verbs && row->flag[0] != '-',
		   "--%s is whole", row->flag);
		ok(!row->env || str_starts(row->env, "SPEC_RUNNER_"), "--%s: its variable is ours", row->flag);
		for (size_t j = 0; j < i; j++)
			if (strcmp(row->flag, option_rows[j].flag) == 0 && (row->verbs & option_rows[j].verbs))
				ok(false, "--%s stands twice for one verb", row->flag);
	}
}

int main(void)
{
	auto_free char *path = NULL;

	if (!mkdtemp(root))
		return 1;
	path = xasprintf("%s/spec-runner.yaml", root);
	test_defaults();
	test_places();
	test_fail_fast();
	test_precedence();
	test_refusals();
	test_format_of_two_verbs();
	test_notes();
	test_table();
	unlink(path);
	rmdir(root);
	return tap_done();
}
