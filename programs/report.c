/* SPDX-License-Identifier: Apache-2.0 */
/* spec-runner report [TRACE]: findings and reports again, from a sealed trace and its raw files.
 *
 * Without --format: writes findings.json and report.md beside the trace and prints the block for
 * people. With it: prints that format on stdout and writes nothing. Exit 0; 2 for usage and
 * patterns that are wrong; 1 for a trace that cannot be read; 125 where files cannot be written.
 *
 * With --run-id it becomes spec-runner-run-report, which reads the history: this program, which ends every run,
 * links no database.
 *
 * With --internal (the supervisor's own call, at the end of a run; =hurry: of a cancelled one) the block goes to stderr
 * and nothing is printed where nothing was found. */
#include "base/clock.h"
#include "base/fd.h"
#include "base/json_read.h"
#include "base/mem.h"
#include "base/path.h"
#include "findings/analyze.h"
#include "evidence/gather.h"
#include "evidence/write.h"
#include "findings/pattern.h"
#include "findings/report.h"
#include "findings/report/html.h"
#include "findings/report/prof_trace.h"
#include "findings/report/results.h"
#include "profile/sample/collectors.h"
#include "runner/sampled/rows.h"
#include "runner/cli/cli.h"
#include "runner/cli/program.h"
#include "runner/config/libexec.h"
#include "runner/proc/helper.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define PRINT_NS (1 * NS_PER_S)
/* GitHub's limit, less what others may still want to add. */
#define STEP_SUMMARY_BYTES (1000 * 1024)

static bool internal;
static bool hurried; /* a cancelled run: everything is over within seconds */
static char *output; /* -o; NULL: standard output */

/* What the ending of a file asks for; NULL: nothing known. */
static const char *format_of(const char *path)
{
	static const char *const endings[][2] = {
		{ ".html", "html" }, { ".htm", "html" }, { ".md", "markdown" }, { ".json", "json" },
		{ ".sarif", "sarif" }, { ".xml", "junit" }, { ".tap", "tap" }, { ".txt", "console" },
	};

	for (size_t i = 0; i < sizeof(endings) / sizeof(endings[0]); i++)
		if (str_ends(path, endings[i][0]))
			return endings[i][1];
	return NULL;
}

/* The folder of a file; "." for a plain name. Caller frees. */
static char *folder_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	if (!slash)
		return xstrdup(".");
	return slash == path ? xstrdup("/") : xstrndup(path, (size_t)(slash - path));
}

/* raw/RUN_ID, beside the trace or in the artifacts folder, where the run has left any. NULL: none. Caller frees. */
static char *raw_dir(struct cli *cli, const char *dir, const char *run_id)
{
	auto_free char *given = path_resolve(cli->root, cli->o.artifacts_dir);
	auto_free char *here = xasprintf("%s/raw/%s", dir, run_id), *there = xasprintf("%s/raw/%s", given, run_id);

	return access(here, W_OK) == 0 ? ptr_steal(&here) : access(there, W_OK) == 0 ? ptr_steal(&there) : NULL;
}

/* Kept as evidence beside the snapshots. Best effort: a report without them is whole. */
static void keep_sources(struct cli *cli, const char *dir, const struct report *r, struct facts *f)
{
	auto_free char *raw = raw_dir(cli, dir, r->head.run_id);
	struct facts lines;
	struct err none = { 0 };

	if (!internal || !raw || facts_init(&lines, &none) < 0)
		return;
	report_sources(r, &lines);
	report_sources(r, f);
	if (lines.table[FACT_SOURCE].n)
		evidence_write(&lines, raw, "source", &none);
	facts_release(&lines);
}

/* raw/ stands in the artifacts folder; a trace may stand there, beside it, or in nested/RUN_ID/. */
static int read_facts(struct cli *cli, const char *trace, const char *dir, struct facts *f, struct err *e)
{
	auto_free char *given = path_resolve(cli->root, cli->o.artifacts_dir);
	auto_free char *given_raw = path_join(given, "raw");
	auto_free char *here = path_join(dir, "raw"), *up = path_join(dir, "../raw");
	auto_free char *upper = path_join(dir, "../../raw"), *root = path_join(cli->root, ".artifacts/raw");
	const char *const dirs[] = { here, cli->o.artifacts_dir_given ? given_raw : root, up, upper, root, NULL };

	if (facts_init(f, e) < 0)
		return -1;
	return gather(f, trace, dirs, e);
}

static int write_file(const char *dir, const char *name, void (*write)(const struct report *, struct str *),
		      const struct report *r, struct err *e)
{
	auto_free char *path = path_join(dir, name);
	auto_str out = STR_INIT;

	write(r, &out);
	return file_write(path, str_cstr(&out), out.len, e);
}

/* To a reader that may be slow, or none at all: the run must not wait for it. A pipe that can be written to has
 * room for a page. */
static void print_briefly(const struct str *text)
{
	int64_t until = clock_mono_ns() + PRINT_NS;

	for (size_t at = 0; at < text->len;) {
		struct pollfd p = { .fd = STDERR_FILENO, .events = POLLOUT };
		int64_t left = until - clock_mono_ns();
		size_t part = text->len - at < 4096 ? text->len - at : 4096;
		ssize_t n;

		if (left <= 0 || poll(&p, 1, (int)(left / NS_PER_MS) + 1) == 0)
			return;
		n = write(STDERR_FILENO, text->data + at, part);
		if (n < 0 && errno != EINTR && errno != EAGAIN)
			return;
		at += n > 0 ? (size_t)n : 0;
	}
}

static int print_text(FILE *to, const struct str *text)
{
	struct err e = { 0 };

	if (to == stdout && output)
		return file_write(output, str_cstr(text), text->len, &e) < 0 ? cli_fail(&e) : 0;
	if (to == stderr && internal) {
		print_briefly(text);
		return 0;
	}
	fwrite(str_cstr(text), 1, text->len, to);
	return to == stdout ? cli_flush() : 0;
}

/* A step's summary may hold 1 MiB; one that is larger is dropped whole. */
static void append_step_summary(const char *path, const struct report *r)
{
	auto_close int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0666);
	auto_str text = STR_INIT;
	struct stat st;
	size_t room, n;

	if (fd < 0 || fstat(fd, &st) < 0)
		return;
	report_markdown(r, &text);
	room = st.st_size < STEP_SUMMARY_BYTES ? (size_t)(STEP_SUMMARY_BYTES - st.st_size) : 0;
	n = text.len;
	if (n > room)
		for (n = room; n && text.data[n - 1] != '\n'; n--)
			;
	if (n && fd_write_all(fd, text.data, n) < 0)
		cli_note("writing '%s': %s", path, strerror(errno));
}

/* On GitHub Actions: annotations where the log is, and the report in the step's summary. */
static void tell_github(struct cli *cli, const struct report *r)
{
	const char *actions = getenv("GITHUB_ACTIONS"), *summary = getenv("GITHUB_STEP_SUMMARY");
	auto_str out = STR_INIT;

	if (!internal || !r->findings->n || !actions || strcmp(actions, "true") != 0)
		return;
	if (!cli->o.quiet) {
		report_github(r, &out);
		print_text(stderr, &out);
	}
	if (summary && *summary)
		append_step_summary(summary, r);
}

static int write_reports(const char *dir, struct report *r, bool quiet)
{
	auto_free char *path = path_join(dir, "report.md");
	auto_str out = STR_INIT;
	struct err e = { 0 };

	if (write_file(dir, "findings.json", report_json, r, &e) < 0 ||
	    write_file(dir, "report.md", report_markdown, r, &e) < 0)
		return cli_fail(&e);
	r->report_path = path;
	if (internal ? r->findings->n && !quiet && report_has_news(r) : true)
		report_console(r, &out);
	return print_text(internal ? stderr : stdout, &out);
}

/* What the history knew of this run when it ended (history.json beside the trace). */
static void read_history(const char *dir, const char *run_id, struct strv *lines)
{
	auto_free char *path = path_join(dir, "history.json"), *text = NULL;
	struct json_reader *in = NULL;
	const struct json_value *v, *list;
	struct err ignored = { 0 };
	size_t n;

	if (file_read(path, 1 << 20, &text, &n, &ignored) < 0)
		return;
	in = json_reader_text(text, n, path);
	if (json_take(in, &v, &ignored) == 0 && json_get_text(v, "run_id") &&
	    strcmp(json_get_text(v, "run_id"), run_id) == 0) {
		list = json_get(v, "lines");
		if (list && list->kind == JSON_ARRAY)
			json_each(line, list)
				if (line->kind == JSON_STRING && line->len < 4096 && !strpbrk(line->text, "\r\n"))
					strv_add(lines, line->text);
	}
	json_reader_free(in);
}

struct raw_dirs {
	char *own[4];
	const char *v[6];
};

static void raw_dirs_make(struct cli *cli, const char *dir, struct raw_dirs *d)
{
	auto_free char *given = path_resolve(cli->root, cli->o.artifacts_dir);

	*d = (struct raw_dirs){ .own = { path_join(dir, "raw"), path_join(given, "raw"), path_join(dir, "../raw"),
					 path_join(dir, "../../raw") } };
	for (int i = 0; i < 4; i++)
		d->v[i] = d->own[i];
}

static void raw_dirs_free(struct raw_dirs *d)
{
	for (int i = 0; i < 4; i++)
		free(d->own[i]);
}

/* The profile of the run, where there is one. */
static bool prof_run_of(struct cli *cli, const char *trace, const char *dir, struct prof_run *r)
{
	struct err none = { 0 };
	struct raw_dirs d;
	int rc;

	raw_dirs_make(cli, dir, &d);
	rc = prof_run_open(r, trace, d.v, &none);
	raw_dirs_free(&d);
	return rc == 0;
}

/* ---- actions ---- */

#define ACTIONS_BYTES ((size_t)4 << 20)
#define ACTIONS_NS (5 * NS_PER_S) /* at most: whoever waits for this program waits 10 s */

/* The places of findings, one a line, in a file without a name. */
static int places_file(const struct findings *found)
{
	int fd = memfd_create("spec-runner-places", MFD_CLOEXEC);
	auto_str text = STR_INIT;

	for (size_t i = 0; i < found->n; i++)
		if (found->v[i]->location && !strchr(found->v[i]->location, '\n'))
			str_addf(&text, "%s\n", found->v[i]->location);
	if (fd >= 0 && (!text.len || fd_write_all(fd, text.data, text.len) < 0)) {
		close(fd);
		return -1;
	}
	return fd;
}

/* Asks `audit`, which knows its graph, within diagnose-ms. Returns its rows in a file without a name, or -1. */
static int actions_ask(struct cli *cli, const struct findings *found)
{
	char *const argv[] = { "spec-runner-audit", "--format", "places", "--where", "/proc/self/fd/3", NULL };
	auto_close int places = places_file(found), out = memfd_create("spec-runner-actions", MFD_CLOEXEC);
	int64_t left = cli->o.diagnose_ms * NS_PER_MS;
	struct strv env = STRV_INIT;
	struct err ignored = { 0 };
	pid_t pid = -1;

	if (places >= 0 && out >= 0) {
		helper_environment(&env, cli->envp, &cli->o);
		pid = helper_start("audit", argv, env.v, out, places, true, &ignored);
		strv_release(&env);
	}
	if (pid < 0 || helper_wait(pid, clock_mono_ns() + (left < ACTIONS_NS ? left : ACTIONS_NS)) != 0)
		return -1;
	return fd_steal(&out);
}

/* Where spec-runner.yaml declares actions and an audit has been made: which of them lead to the places of findings. Kept
 * beside the snapshots when the run ends, so that whoever makes the report again gets the same bytes. */
static void add_actions(struct cli *cli, const char *dir, const char *run_id, struct facts *f, const struct findings *found)
{
	auto_close int fd = -1;
	auto_free char *file = NULL, *text = NULL, *raw = raw_dir(cli, dir, run_id);
	const char *from = "audit/call_graph.json";
	bool kept = false;
	struct json_reader *in;
	const struct json_value *v;
	struct err ignored = { 0 };
	size_t n;

	if (f->table[FACT_ACTION].n || !cli->config.action_count || hurried || (fd = actions_ask(cli, found)) < 0)
		return;
	file = xasprintf("/proc/self/fd/%d", fd);
	if (file_read(file, ACTIONS_BYTES, &text, &n, &ignored) < 0)
		return;
	if (internal && raw) {
		auto_free char *path = path_join(raw, "facts-action.json");
		auto_free char *name = xasprintf("raw/%s/facts-action.json", run_id);

		kept = file_write(path, text, n, &ignored) == 0;
		from = kept ? facts_strn(f, name, strlen(name)) : from;
	}
	in = json_reader_text(text, n, "audit");
	if (json_take(in, &v, &ignored) == 0)
		(void)gather_rows(f, from, "audit", v, &ignored);
	for (size_t i = 0; !kept && i < f->table[FACT_ACTION].n; i++)
		f->table[FACT_ACTION].rows[i]->at = "/edges";
	json_reader_free(in);
}

static int make_report(struct cli *cli, const struct report_ops *format, const char *trace, const char *dir, struct facts *f,
		       const struct patterns *patterns)
{
	auto_free char *numbers = NULL;
	struct strv history = STRV_INIT;
	struct findings found;
	struct prof_run profile = { 0 };
	struct report r = { .facts = f, .findings = &found, .profile = &profile };
	auto_str out = STR_INIT;
	int rc;

	findings_init(&found);
	analyze(f, patterns, &found);
	report_head_read(&r.head, f);
	add_actions(cli, dir, r.head.run_id, f, &found);
	report_actions(f, &found);
	numbers = report_numbers_read(dir);
	r.numbers = numbers;
	read_history(dir, r.head.run_id, &history);
	r.history = &history;
	if (format && format->write == report_html && prof_run_of(cli, trace, dir, &profile))
		r.add_profile = html_profile;
	if (format) {
		format->write(&r, &out);
		rc = print_text(stdout, &out);
	} else {
		keep_sources(cli, dir, &r, f);
		rc = write_reports(dir, &r, cli->o.quiet);
		tell_github(cli, &r);
	}
	prof_run_release(&profile);
	findings_release(&found);
	strv_release(&history);
	return rc;
}

static int load_patterns(struct cli *cli, const struct facts *f, struct patterns *p, struct err *e)
{
	if (patterns_add_builtin(p, f, e) < 0)
		return -1;
	return cli->o.patterns_dir ? patterns_add_dir(p, cli->o.patterns_dir, e) : 0;
}

static int find_format(const char *name, const struct report_ops **format, struct err *e)
{
	auto_str known = STR_INIT;

	*format = name ? report_find(name) : NULL;
	if (!name || *format || results_format_find(name) || prof_format_find(name) || strcmp(name, "artifacts") == 0)
		return 0;
	for (const struct report_ops *f = report_formats; f->name; f++)
		str_addf(&known, "%s%s", known.len ? ", " : "", f->name);
	for (const struct results_format *f = results_formats; f->name; f++)
		str_addf(&known, ", %s", f->name);
	for (const struct prof_format *f = prof_formats; f->name; f++)
		str_addf(&known, ", %s", f->name);
	str_add(&known, ", artifacts");
	return err_set(e, ERR_USAGE, "--format: '%s' is not a format of report; accepted: %s", name, str_cstr(&known));
}

/* The formats of test results want neither facts nor patterns: a trace may hold very many tests. */
static int print_results(const struct results_format *format, const char *trace, const char *dir)
{
	auto_free char *findings = path_join(dir, "findings.json");
	auto_str out = STR_INIT;
	struct results t;
	struct err e = { 0 };
	int rc;

	if (results_read(&t, trace, findings, &e) < 0) {
		cli_fail(&e);
		rc = 1;
	} else {
		t.for_gitlab = getenv("GITLAB_CI") != NULL;
		format->write(&t, &out);
		rc = print_text(stdout, &out);
	}
	results_release(&t);
	return rc;
}

/* ---- profiles ---- */

#define PROFILE_FILE_BYTES ((size_t)1 << 31)

static int profile_file(struct profile *p, const char *path, struct err *e)
{
	auto_free char *text = NULL;
	size_t n;

	if (file_read(path, PROFILE_FILE_BYTES, &text, &n, e) < 0)
		return -1;
	return prof_read(p, text, n, path, e);
}

/* A trace or a profile: told by what it is. */
static int profile_or_trace(struct cli *cli, const char *path, struct prof_run *r, struct err *e)
{
	auto_free char *dir = folder_of(path);
	struct err why = { 0 };
	struct raw_dirs d;
	int rc;

	raw_dirs_make(cli, dir, &d);
	rc = prof_run_open(r, path, d.v, &why);
	raw_dirs_free(&d);
	if (rc == 0)
		return 0;
	*r = (struct prof_run){ 0 };
	return profile_file(&r->p, path, e);
}

enum { JUDGED_LEAST = 30 };

/* What a profile has of a weight: its sum, and how many samples make it. */
static int64_t profile_sum(const struct profile *p, enum prof_weight weight, size_t *samples)
{
	struct prof_view v = { .p = p, .weight = weight };
	int64_t sum = 0;

	*samples = 0;
	for (size_t i = 0; i < p->sample_count; i++) {
		int64_t w = prof_weight_of(&v, &p->samples[i]);

		sum += w;
		*samples += w > 0;
	}
	return sum;
}

/* The sums are the kernel's own count, and tell what was gained however few samples there are; shares of functions need
 * samples on both sides. */
static bool baseline_judged(const struct profile *now, const struct profile *before, enum prof_weight weight)
{
	static const char *const text[] = { [PROF_CPU] = "CPU time", [PROF_WALL] = "time of all threads",
					    [PROF_WAIT] = "waiting" };
	size_t a, b;
	int64_t was = profile_sum(before, weight, &a), is = profile_sum(now, weight, &b);

	if (weight != PROF_SAMPLES && was > 0 && !now->only_counts && !before->only_counts)
		cli_note("--baseline: %.1f ms of %s before, %.1f ms now: %.2f times", (double)was / 1e6, text[weight],
			 (double)is / 1e6, (double)is / (double)was);
	if (a >= JUDGED_LEAST && b >= JUDGED_LEAST)
		return true;
	cli_note("--baseline: fewer than 30 samples on a side: no judgement of functions (%zu before, %zu now; more with "
		 "record --sample-hz 999)", a, b);
	return false;
}

static int profile_print(struct cli *cli, const struct prof_format *format, struct prof_run *r,
			 const struct profile *baseline)
{
	const struct profile_options *o = &cli->o.profiling;
	struct prof_view v = { .p = &r->p, .weight = (enum prof_weight)o->weight, .pid = o->pid, .tid = o->thread,
			       .lang = o->lang, .baseline = baseline, .start_real_ns = r->start_real_ns, .name = r->run_id };
	auto_free bool *wanted = NULL;
	auto_str out = STR_INIT;
	struct err e = { 0 };

	if (o->only_case) {
		wanted = prof_run_case(r, o->only_case, &e);
		if (!wanted)
			return cli_fail(&e);
		v.span_wanted = wanted;
	}
	if (baseline)
		baseline_judged(&r->p, baseline, v.weight);
	format->write(&v, &out);
	return print_text(stdout, &out);
}

/* --baseline: how the share of each function has changed, as evidence for findings. */
static int add_diff(struct cli *cli, const char *trace, const char *dir, struct facts *f)
{
	struct prof_run run = { 0 }, base = { 0 };
	struct err e = { 0 };
	struct raw_dirs d;
	int rc;

	raw_dirs_make(cli, dir, &d);
	rc = prof_run_open(&run, trace, d.v, &e);
	raw_dirs_free(&d);
	if (rc < 0)
		return cli_fail(&e);
	rc = profile_or_trace(cli, cli->o.profiling.baseline, &base, &e) < 0 ? cli_fail(&e) : 0;
	if (!rc && baseline_judged(&run.p, &base.p, PROF_CPU))
		sampled_diff(f, &run.p, &base.p, run.run_id);
	prof_run_release(&run);
	prof_run_release(&base);
	return rc;
}

static int report_profile(struct cli *cli, const struct prof_format *format, const char *trace, const char *dir)
{
	const struct profile_options *o = &cli->o.profiling;
	struct prof_run run = { 0 }, base = { 0 };
	struct err e = { 0 };
	struct raw_dirs d;
	int rc = 1;

	raw_dirs_make(cli, dir, &d);
	if (o->file ? profile_file(&run.p, o->file, &e) < 0 : prof_run_open(&run, trace, d.v, &e) < 0)
		cli_fail(&e);
	else if (o->baseline && profile_or_trace(cli, o->baseline, &base, &e) < 0)
		cli_fail(&e);
	else
		rc = profile_print(cli, format, &run, o->baseline ? &base.p : NULL);
	raw_dirs_free(&d);
	prof_run_release(&run);
	prof_run_release(&base);
	return rc;
}

/* One line a collector of the table: what it is, and what became of it in this run. */
static int print_artifacts(struct cli *cli, const char *trace, const char *dir)
{
	auto_str out = STR_INIT;
	struct prof_run run;
	struct err e = { 0 };
	struct raw_dirs d;
	int rc;

	raw_dirs_make(cli, dir, &d);
	rc = prof_run_raw(&run, trace, d.v, &e);
	raw_dirs_free(&d);
	if (rc < 0) {
		cli_fail(&e);
		return 1;
	}
	for (const struct collector_row *row = collector_rows; row->name; row++) {
		auto_free char *file = xasprintf("%s/artifact-%s.json", run.raw, row->name), *text = NULL;
		struct json_reader *r = NULL;
		const struct json_value *v = NULL;
		size_t n = 0;

		if (access(file, F_OK) == 0 && file_read(file, 1 << 24, &text, &n, &e) == 0) {
			r = json_reader_text(text, n, file);
			if (json_take(r, &v, &e) < 0)
				v = NULL;
		}
		str_addf(&out, "%-9s %-7s %-15s %-12s %s%s%s\n", row->name, row->category, row->needs,
			 v && json_get_text(v, "status") ? json_get_text(v, "status") : "not asked for", row->help,
			 v && json_get_text(v, "reason") ? ": " : "", v && json_get_text(v, "reason") ?
					json_get_text(v, "reason") : "");
		if (r)
			json_reader_free(r);
	}
	prof_run_release(&run);
	return print_text(stdout, &out);
}

static char **given; /* the command line, less the program's name */

static int report_stored(void)
{
	auto_free char *program = libexec_find("run-report");
	struct err e = { 0 };

	if (!program)
		err_set(&e, ERR_FAILURE, "report --run-id: the history is not part of this build: its packages were"
			" missing");
	else
		program_exec(program, given, &e);
	cli_fail(&e);
	return 125;
}

static int report_body(struct cli *cli)
{
	auto_free char *trace = NULL, *dir = NULL;
	const char *name = cli->o.format ? cli->o.format : cli->o.report_out ? format_of(cli->o.report_out) : NULL;
	const struct results_format *results = name ? results_format_find(name) : NULL;
	const struct report_ops *format;
	struct patterns patterns;
	struct err e = { 0 };
	struct facts f;
	int rc;

	if (cli->o.history.run_id && !internal)
		return report_stored();
	if (cli->operand_count > 1) {
		err_set(&e, ERR_USAGE, "report takes one trace");
		return cli_fail(&e);
	}
	if (find_format(name, &format, &e) < 0 ||
	    (cli->o.report_out && cli_check_folder(cli, "--output", cli->o.report_out, &e) < 0))
		return cli_fail(&e);
	if (cli->o.report_out && !name) {
		err_set(&e, ERR_USAGE, "--output: the ending of '%s' tells no format; give --format", cli->o.report_out);
		return cli_fail(&e);
	}
	output = cli->o.report_out ? path_resolve(cli->root, cli->o.report_out) : NULL;
	trace = cli->operand_count ? path_resolve(cli->root, cli->operands[0]) : program_newest_trace(cli);
	dir = folder_of(trace);
	if (cli->o.format && prof_format_find(cli->o.format))
		return report_profile(cli, prof_format_find(cli->o.format), trace, dir);
	if (cli->o.profiling.file) {
		err_set(&e, ERR_USAGE,
			"report --profile needs a --format of profiles: folded, flamegraph, speedscope, pprof,"
			" chrome, firefox or profile-json");
		return cli_fail(&e);
	}
	if (cli->o.format && strcmp(cli->o.format, "artifacts") == 0)
		return print_artifacts(cli, trace, dir);
	if (results)
		return print_results(results, trace, dir);
	patterns_init(&patterns);
	if (read_facts(cli, trace, dir, &f, &e) < 0) {
		cli_fail(&e);
		rc = e.kind == ERR_USAGE ? 2 : 1;
	} else if (load_patterns(cli, &f, &patterns, &e) < 0) {
		rc = cli_fail(&e);
	} else {
		rc = cli->o.profiling.baseline ? add_diff(cli, trace, dir, &f) : 0;
		rc = rc ? rc : make_report(cli, format, trace, dir, &f, &patterns);
	}
	facts_release(&f);
	patterns_release(&patterns);
	return rc;
}

int main(int argc, char **argv)
{
	/* No option of the user's: the supervisor puts it first. */
	if (argc > 1 && (strcmp(argv[1], "--internal") == 0 || strcmp(argv[1], "--internal=hurry") == 0)) {
		internal = true;
		hurried = argv[1][strlen("--internal")] != '\0';
		argv[1] = argv[0];
		argc--;
		argv++;
	}
	given = argv + 1;
	return program_main("report", argc, argv, report_body);
}
