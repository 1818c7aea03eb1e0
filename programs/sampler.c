/* SPDX-License-Identifier: Apache-2.0 */
/* spec-runner-sampler: looks where the time of a tree goes, beside it, until the run is over; then writes the profile.
 *
 * Started by the front of a run (or by `record --pid`), with words KEY=VALUE and a socket as descriptor 3. It says "ready
 * ENGINE" there once everything that begins from now on is seen, "progress {…}" once a second, and hears "command
 * PID SPAN".
 * At the end of the socket it stops collecting, writes everything below raw/RUN_ID/ and ends.
 * With finish=1 it only makes the profile out of the log that a sampler left which was killed. */
#include "profile/sample/output.h"

#include "base/fd.h"
#include "base/guard.h"
#include "base/mem.h"
#include "base/path.h"
#include "runner/config/options.h"
#include "evidence/write.h"
#include "findings/report/prof.h"
#include "runner/proc/helper.h"
#include "runner/sampled/molt.h"
#include "runner/sampled/own_profiles.h"
#include "runner/sampled/plugins.h"
#include "runner/sampled/rows.h"
#include "trace/redact.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>


extern char **environ;

static volatile int ended;
static struct redactor *redactor;
static struct plugins plugins;
static struct sample_session session = { .with = "auto", .collect = "cpu", .hz = 99, .bytes = 64 << 20, .intrusion = 1,
					 .run_id = "", .raw = ".", .target_json = "{}", .gc_members = sampled_gc };

static void on_signal(int sig)
{
	ended = sig;
}

/* Without SIGPIPE: where nobody hears us any more, the profile is written all the same. */
static void signals_set(void)
{
	struct sigaction a = { .sa_handler = on_signal }, ignore = { .sa_handler = SIG_IGN };

	sigaction(SIGINT, &a, NULL);
	sigaction(SIGTERM, &a, NULL);
	sigaction(SIGHUP, &a, NULL);
	sigaction(SIGPIPE, &ignore, NULL);
}

static void fds_raise(void)
{
	struct rlimit r;

	if (getrlimit(RLIMIT_NOFILE, &r) == 0 && r.rlim_cur < r.rlim_max) {
		r.rlim_cur = r.rlim_max < 65536 ? r.rlim_max : 65536;
		setrlimit(RLIMIT_NOFILE, &r);
	}
}

/* What the user wants hidden comes in the environment, as for every helper. */
static int redactor_make(struct redactor **r, struct err *e)
{
	static const char *const vars[] = { "SPEC_RUNNER_REDACT_ENV", "SPEC_RUNNER_REDACT_PATTERN" };
	static struct options o; /* lives as long as the process */

	options_init(&o);
	for (size_t i = 0; i < sizeof(vars) / sizeof(*vars); i++) {
		const char *text = getenv(vars[i]);

		if (text && *text &&
		    option_set(&o, option_by_env(vars[i], strlen(vars[i])), vars[i], text, SOURCE_ENV, e) < 0)
			return -1;
	}
	return redactor_new(r, environ, &o.redact_env, &o.redact_patterns, e);
}

static void words_read(struct sample_session *x, int argc, char **argv)
{
	struct { const char *key; const char **text; } texts[] = {
		{ "run_id=", &x->run_id }, { "raw=", &x->raw }, { "root=", &x->root }, { "journal=", &x->journal },
		{ "with=", &x->with }, { "collect=", &x->collect }, { "target=", &x->target_json },
		{ "artifacts=", &x->artifacts },
	};
	struct { const char *key; int64_t *n; } numbers[] = {
		{ "pid=", &x->pid }, { "start=", &x->start_ns }, { "start_real=", &x->start_real_ns }, { "hz=", &x->hz },
		{ "bytes=", &x->bytes }, { "attached=", &x->attached }, { "seconds=", &x->seconds },
		{ "intrusion=", &x->intrusion }, { "finish=", &x->finish_only },
		{ "given=", &x->given },
	};

	for (int i = 1; i < argc; i++) {
		for (size_t k = 0; k < sizeof(texts) / sizeof(*texts); k++)
			if (str_starts(argv[i], texts[k].key))
				*texts[k].text = argv[i] + strlen(texts[k].key);
		for (size_t k = 0; k < sizeof(numbers) / sizeof(*numbers); k++)
			if (str_starts(argv[i], numbers[k].key))
				*numbers[k].n = strtoll(argv[i] + strlen(numbers[k].key), NULL, 10);
	}
}

static void tell(int fd, const char *text)
{
	if (fd >= 0 && send(fd, text, strlen(text), MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
		errno = 0; /* nobody hears it, or has no time: the profile does not depend on it */
}

static void progress(struct sampler *s, void *arg)
{
	auto_free char *line = xasprintf("progress {\"samples\":%llu,\"lost\":%llu,\"threads\":%zu,\"cost_ms\":%.3f}\n",
					 (unsigned long long)s->book.samples, (unsigned long long)s->book.lost,
					 s->thread_count, (double)sampler_own_cpu_ns() / 1e6);

	tell(*(int *)arg, line);
}

static bool asked(const struct sample_session *x, const char *name)
{
	return sample_collects(x, name);
}

static void child_ended(struct sampler *s, pid_t pid, int status)
{
	(void)s;
	plugins_child(&plugins, pid, status);
}

static void command_begins(struct sampler *s, pid_t pid)
{
	(void)s;
	plugins_start(&plugins, &session, pid);
}

static void turn(struct sampler *s, int64_t now)
{
	jfr_turn(&session, s, now);
}

static int collect(struct sample_session *x, struct redactor *r, struct err *e)
{
	struct sampler *s = &x->sampler;
	int fd = fcntl(HELPER_FD, F_GETFD) < 0 ? -1 : HELPER_FD;
	struct sampler_control c = { .fd = fd, .until_ns = TIME_NEVER, .signal = &ended, .progress = progress, .arg = &fd };
	auto_free char *ready = NULL;

	x->log = path_join(x->raw, "profile.log");
	s->root = (pid_t)x->pid;
	s->attached = x->attached;
	s->hz = (int)x->hz;
	s->start_ns = x->start_ns;
	s->cpu = asked(x, "cpu") || asked(x, "pyspy") || asked(x, "gc");
	s->wall = asked(x, "wall") || asked(x, "pyspy") || asked(x, "io");
	s->proc = asked(x, "proc") || asked(x, "io") || asked(x, "gc");
	s->eager = asked(x, "cprofile") || asked(x, "mpa");
	s->python_only = !asked(x, "cpu") && !asked(x, "wall") && asked(x, "pyspy");
	if (x->intrusion == 0 && strcmp(x->with, "stop") != 0)
		snprintf(s->refused, sizeof(s->refused), "--intrusion 0 allows no micro-stop");
	if (book_open(&s->book, x->log, x->start_ns, (uint64_t)x->bytes, r, e) < 0)
		return -1;
	sample_note_session(x);
	plugins_find(&plugins, x);
	s->child_ended = child_ended;
	if (plugins.n)
		c.command = command_begins;
	if (asked(x, "jfr"))
		c.turn = turn;
	if (sampler_begin(s, x->with, e) < 0)
		return -1;
	if (x->seconds > 0)
		c.until_ns = clock_mono_ns() + x->seconds * NS_PER_S;
	ready = xasprintf("ready %s\n", s->engine->name);
	tell(fd, ready);
	if (s->attached)
		plugins_start(&plugins, x, s->root);
	sampler_loop(s, &c);
	plugins_end(&plugins);
	x->ended_ns = clock_mono_ns() - x->start_ns;
	s->engine->stop(s);
	return 0;
}

static int write_molt(struct sample_session *x, const struct sample_result *r, struct err *e)
{
	struct sample_extra *out = sample_extra(x, "mpa");
	struct molt m;
	struct json j;
	int rc = molt_write(&m, x, r, redactor, environ, e);

	out->intrusion = 3;
	out->status = m.pid && !m.failed[0] ? ARTIFACT_OK : ARTIFACT_PARTIAL;
	snprintf(out->reason, sizeof(out->reason), "%s", m.failed[0] ? m.failed : "no Python program (CPython 3.8 or later) "
		 "that loads our hook ran to its end");
	json_init(&j, &out->metrics);
	molt_metrics(&m, &j);
	for (size_t i = 0; i < m.files.n; i++)
		strv_add(&out->files, m.files.v[i]);
	molt_release(&m);
	return rc;
}

/* For everybody's flame graph: all of the run, by CPU time where there is any. */
static int write_folded(struct sample_session *x, const struct profile *p, struct err *e)
{
	struct prof_view v = { .p = p, .weight = asked(x, "cpu") || !asked(x, "wall") ? PROF_CPU : PROF_WALL };
	auto_free char *path = path_join(x->raw, "stacks.folded.gz");
	auto_str text = STR_INIT, packed = STR_INIT;

	if (!p->sample_count)
		return 0;
	prof_folded(&v, &text);
	prof_gzip(str_cstr(&text), text.len, &packed);
	strv_add(&x->also, "stacks.folded.gz");
	return file_write(path, str_cstr(&packed), packed.len, e);
}

static int write_rows(struct sample_session *x, const struct sample_result *r, struct err *e)
{
	struct facts f;
	int rc;

	if ((asked(x, "mpa") && write_molt(x, r, e) < 0) || (asked(x, "jfr") && jfr_take(x, e) < 0) ||
	    (asked(x, "nodeprof") && nodeprof_take(x, redactor, e) < 0) || plugins_take(&plugins, x, redactor, e) < 0)
		return -1;
	if (write_folded(x, r->p, e) < 0)
		return -1;

	if (facts_init(&f, e) < 0)
		return -1;
	sampled_rows(&f, r, x->run_id);
	rc = evidence_write(&f, x->raw, "profile", e);
	facts_release(&f);
	return rc;
}

static int run(struct sample_session *x, struct redactor *r)
{
	struct err e = { 0 };
	int rc = 0;

	if (x->finish_only) {
		if (x->artifacts)
			guard_folder(x->artifacts, x->given);
		x->log = path_join(x->raw, "profile.log");
	} else if (collect(x, r, &e) < 0) {
		auto_free char *line = xasprintf("refused %s\n", e.msg);

		tell(HELPER_FD, line);
		x->failed = e.msg;
		rc = 1;
	}
	if (sample_output(x, r, &e) < 0) {
		fprintf(stderr, "spec-runner: writing the profile: %s\n", e.msg);
		rc = 1;
	}
	if (x->attached && !rc && !x->samples)
		rc = 1;
	return rc;
}

int main(int argc, char **argv)
{
	struct err e = { 0 };
	int rc;

	session.on_result = write_rows;
	words_read(&session, argc, argv);
	if (!session.pid && !session.finish_only) {
		fprintf(stderr, "spec-runner: spec-runner-sampler is started by spec-runner; see `spec-runner help "
				"record`\n");
		return 2;
	}
	signals_set();
	fds_raise();
	if (redactor_make(&redactor, &e) < 0) {
		fprintf(stderr, "spec-runner: %s\n", e.msg);
		return 2;
	}
	rc = run(&session, redactor);
	sampler_release(&session.sampler);
	plugins_release(&plugins);
	sample_extras_release(&session);
	redactor_free(redactor);
	free(session.log);
	return rc;
}
