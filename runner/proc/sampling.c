/* SPDX-License-Identifier: Apache-2.0 */
#include "runner/proc/sampling.h"

#include "base/clock.h"
#include "base/fd.h"
#include "base/json_scan.h"
#include "base/json_write.h"
#include "base/mem.h"
#include "base/nearest.h"
#include "base/path.h"
#include "profile/sample/collectors.h"
#include "profile/sample/probe.h"
#include "runner/config/libexec.h"
#include "runner/proc/context.h"
#include "runner/proc/helper.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#define READY_NS (3 * NS_PER_S)
#define FINISH_NS (30 * NS_PER_S)
#define FINISH_CANCELLED_NS (1500 * NS_PER_MS)
#define LINE_MAX_BYTES 1000

/* The word of --sample-with: the engine's name. */
static const char *engine_name(const struct profile_options *o)
{
	return option_by_key("profile.sample_with")->words[o->sample_with];
}

static int collector_unknown(const char *name, struct err *e)
{
	char hint[NEAREST_HINT_SIZE];
	auto_str all = STR_INIT;
	struct nearest n;

	nearest_init(&n, name);
	for (const struct collector_row *r = collector_rows; r->name; r++) {
		nearest_offer(&n, r->name);
		str_addf(&all, "%s%s", all.len ? ", " : "", r->name);
	}
	return err_set(e, ERR_USAGE, "--collect: '%s' is not a collector%s; accepted: none, %s", name,
		       nearest_hint(n.best, hint), str_cstr(&all));
}

/* An executable of somebody's, spec-runner-collector-NAME. */
static bool is_plugin(const char *name)
{
	auto_free char *whole = xasprintf("collector-%s", name), *program = NULL;

	if (name[strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-")])
		return false;
	program = libexec_find(whole);
	return program != NULL;
}

/* "cpu,,wall", "cpu,": a name was meant to be there. */
static bool name_is_missing(const char *text)
{
	for (const char *at = text;; at++) {
		at += strspn(at, " ");
		if (!*at || *at == ',')
			return true;
		at += strcspn(at, ",");
		if (!*at)
			return false;
	}
}

/* The list by the table's own names, each once. Caller frees; NULL with *e. "" where none. */
static char *collect_list(const char *text, struct err *e)
{
	auto_str out = STR_INIT;
	auto_free char *copy = xstrdup(text);
	bool none = false;
	char *save = NULL;

	if (name_is_missing(text)) {
		err_set(e, ERR_USAGE, "--collect: a name is missing in '%s'; accepted: names of `spec-runner help "
			"collectors`, comma separated, or none", text);
		return NULL;
	}
	for (char *name = strtok_r(copy, ", ", &save); name; name = strtok_r(NULL, ", ", &save)) {
		const struct collector_row *r = collector_row_find(name);
		const char *known = r ? r->name : name;
		auto_free char *padded = NULL, *one = NULL;

		if (strcmp(name, "none") == 0) {
			none = true;
			continue;
		}
		if (!r && !is_plugin(name)) {
			collector_unknown(name, e);
			return NULL;
		}
		padded = xasprintf(",%s,", str_cstr(&out));
		one = xasprintf(",%s,", known);
		if (!strstr(padded, one))
			str_addf(&out, "%s%s", out.len ? "," : "", known);
	}
	if (none && out.len) {
		err_set(e, ERR_USAGE, "--collect: none and '%s' exclude each other", str_cstr(&out));
		return NULL;
	}
	return str_steal(&out);
}

int sampling_check(struct context *c, struct err *e)
{
	const struct profile_options *o = &c->o->profiling;
	auto_free char *list = NULL;

	c->sampling = (struct sampling){ .fd = -1, .sampler_fd = -1 };
	if (!o->collect)
		return 0;
	list = collect_list(o->collect, e);
	if (!list)
		return -1;
	c->sampling.on = *list != '\0';
	if (c->sampling.on && c->o->profile_level == LEVEL_OFF)
		return err_set(e, ERR_USAGE, "--collect needs a trace to put it in: it excludes --profile-level off");
	if (c->sampling.on && o->sample_with != SAMPLE_WITH_AUTO && sample_probe(engine_name(o), e) < 0) {
		e->kind = ERR_USAGE;
		return err_add(e, "--sample-with %s", engine_name(o));
	}
	return 0;
}

static bool list_has(const char *list, const char *name)
{
	auto_free char *padded = xasprintf(",%s,", list), *one = xasprintf(",%s,", name);

	return strstr(padded, one) != NULL;
}

static int hooks_prepare(struct context *c, struct err *e)
{
	auto_free char *list = collect_list(c->o->profiling.collect, e);

	c->sampling.cprofile = list && list_has(list, "cprofile");
	c->sampling.mpa = list && list_has(list, "mpa");
	c->sampling.node = list && list_has(list, "nodeprof");
	c->sampling.hooks = c->sampling.cprofile || c->sampling.mpa || c->sampling.node;
	if (!c->sampling.hooks)
		return 0;
	return sampling_hooks_write(c, e);
}

int sampling_prepare(struct context *c, struct err *e)
{
	int pair[2];

	if (!c->sampling.on)
		return 0;
	if (hooks_prepare(c, e) < 0)
		return -1;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		return err_sys(e, "making a socket pair for the sampler");
	c->sampling.fd = pair[0];
	c->sampling.sampler_fd = pair[1];
	return 0;
}

static char *target_json(struct context *c)
{
	struct strv args = STRV_INIT;
	auto_str out = STR_INIT, env = STR_INIT;
	char *cwd = getcwd(NULL, 0);
	struct json j;

	redact_argv(c->redactor, c->setup->command ? c->setup->command : c->setup->args, &args);
	redact_env_profile(c->redactor, c->setup->envp, &env);
	json_init(&j, &out);
	json_object(&j, NULL);
	json_array(&j, "command");
	for (size_t i = 0; i < args.n; i++)
		json_str(&j, NULL, args.v[i]);
	json_array_end(&j);
	json_str(&j, "cwd", cwd);
	json_raw(&j, "env_profile", str_cstr(&env), env.len);
	if (c->o->timeout_ms)
		json_int(&j, "timeout_ms", c->o->timeout_ms);
	else
		json_null(&j, "timeout_ms");
	json_object_end(&j);
	json_finish(&j);
	strv_release(&args);
	free(cwd);
	return str_steal(&out);
}

void sampling_words(struct context *c, pid_t supervisor, bool finish, struct strv *argv)
{
	const struct profile_options *o = &c->o->profiling;
	struct err e;
	char *list = collect_list(o->collect, &e);

	strv_add(argv, "spec-runner-sampler");
	strv_take(argv, xasprintf("run_id=%s", c->run_id));
	strv_take(argv, xasprintf("raw=%s", c->paths.raw));
	strv_take(argv, xasprintf("root=%s", c->setup->root));
	if (trace_path(c->trace))
		strv_take(argv, xasprintf("journal=%s", trace_path(c->trace)));
	if (finish) {
		strv_add(argv, "finish=1");
	} else {
		auto_free char *target = target_json(c);

		strv_take(argv, xasprintf("pid=%d", (int)supervisor));
		strv_take(argv, xasprintf("start=%lld", (long long)c->start_mono_ns));
		strv_take(argv, xasprintf("start_real=%lld", (long long)c->start_real_ns));
		strv_take(argv, xasprintf("collect=%s", list ? list : ""));
		strv_take(argv, xasprintf("hz=%lld", (long long)o->sample_hz));
		strv_take(argv, xasprintf("with=%s", engine_name(o)));
		strv_take(argv, xasprintf("bytes=%lld", (long long)o->bytes));
		strv_take(argv, xasprintf("intrusion=%lld", (long long)o->intrusion));
		strv_take(argv, xasprintf("target=%s", target));
	}
	free(list);
}

void sampling_start(struct context *c, pid_t supervisor)
{
	struct strv argv = STRV_INIT, env = STRV_INIT;
	struct err e = { 0 };

	if (!c->sampling.on)
		return;
	sampling_words(c, supervisor, false, &argv);
	helper_environment(&env, c->setup->envp, c->o);
	c->sampling.pid = helper_start("sampler", argv.v, env.v, -1, c->sampling.sampler_fd, false, &e);
	strv_release(&env);
	if (c->sampling.pid < 0)
		say_always(c, "no profile: %s", e.msg);
	/* The supervisor alone holds the other end: at its death the sampler writes what it has. */
	fd_close(&c->sampling.sampler_fd);
	fd_close(&c->sampling.fd);
	strv_release(&argv);
}

static void line_take(struct context *c, const char *line, size_t n, int64_t now_ns)
{
	struct attrs a = { 0 };

	if (n > 8 && strncmp(line, "refused ", 8) == 0)
		say(c, "no profile: %.*s", (int)(n - 8), line + 8);
	if (n < 11 || strncmp(line, "progress {", 10) != 0 || line[n - 1] != '}' || !json_scan_members(line + 10, n - 11))
		return;
	attrs_init(&a, c->trace);
	str_addn(&a.json, line + 10, n - 11);
	trace_checkpoint(c->trace, c->dispatch_span, CP_PROFILE_PROGRESS, now_ns, &a);
	attrs_release(&a);
}

/* False where the other end is gone. */
static bool lines_read(struct context *c, int64_t now_ns)
{
	char text[LINE_MAX_BYTES + 1];
	ssize_t n = recv(c->sampling.fd, text, sizeof(text) - 1, MSG_DONTWAIT);

	if (n < 0)
		return errno == EINTR || errno == EAGAIN;
	for (char *at = text, *end = text + n; at < end;) {
		char *nl = memchr(at, '\n', (size_t)(end - at));
		size_t len = nl ? (size_t)(nl - at) : (size_t)(end - at);

		line_take(c, at, len, now_ns);
		at += len + 1;
	}
	return n > 0;
}

void sampling_readable(struct context *c, int64_t now_ns)
{
	if (c->sampling.fd >= 0 && !lines_read(c, now_ns))
		fd_close(&c->sampling.fd);
}

void sampling_ready(struct context *c)
{
	struct pollfd p = { .fd = c->sampling.fd, .events = POLLIN };

	fd_close(&c->sampling.sampler_fd);
	if (c->sampling.fd < 0)
		return;
	if (c->sampling.cprofile || c->sampling.mpa)
		say(c, "every Python program of this run is watched from inside: one that does nothing but call takes up to "
		    "%s times as long", c->sampling.mpa ? "6" : "4.5");
	if (poll(&p, 1, (int)(READY_NS / NS_PER_MS)) <= 0)
		say(c, "the sampler is not ready: the beginning of the profile may be missing");
	sampling_readable(c, clock_mono_ns());
}

static void sampler_tell(struct context *c, const char *line)
{
	if (send(c->sampling.fd, line, strlen(line), MSG_NOSIGNAL | MSG_DONTWAIT) < 0 && errno == EPIPE)
		fd_close(&c->sampling.fd);
}

void sampling_command(struct context *c, pid_t pid, span_id wait_span)
{
	char line[64];

	if (c->sampling.fd < 0)
		return;
	snprintf(line, sizeof(line), "command %d %u\n", (int)pid, (unsigned)wait_span);
	sampler_tell(c, line);
}

void sampling_ended(struct context *c, pid_t pid)
{
	struct rusage u;
	siginfo_t si = { 0 };
	char line[64];
	int64_t used;

	/* The system call knows an argument more than its wrapper. */
	if (c->sampling.fd < 0 ||
	    syscall(SYS_waitid, P_PID, pid, &si, WEXITED | WNOHANG | WNOWAIT, &u) < 0 || si.si_pid != pid)
		return;
	used = ((int64_t)u.ru_utime.tv_sec + u.ru_stime.tv_sec) * NS_PER_S +
	       ((int64_t)u.ru_utime.tv_usec + u.ru_stime.tv_usec) * (NS_PER_MS / 1000);
	snprintf(line, sizeof(line), "ended %d %lld\n", (int)pid, (long long)used);
	sampler_tell(c, line);
}

/* At its end of the socket the sampler is done. */
static bool end_wait(struct context *c, int64_t until_ns)
{
	while (c->sampling.fd >= 0) {
		struct pollfd p = { .fd = c->sampling.fd, .events = POLLIN };
		int64_t left = until_ns - clock_mono_ns();

		if (left <= 0)
			return false;
		poll(&p, 1, (int)(left / NS_PER_MS) + 1);
		sampling_readable(c, clock_mono_ns());
	}
	return true;
}

/* It was killed, or we are the front and its end was not ours to see: out of its log. */
static void finish_again(struct context *c, int64_t until_ns)
{
	auto_free char *log = path_join(c->paths.raw, "profile.log");
	struct strv argv = STRV_INIT, env = STRV_INIT;
	struct err e = { 0 };
	pid_t pid;

	while (c->is_front && access(log, F_OK) == 0 && clock_mono_ns() < until_ns - 25 * NS_PER_S) {
		poll(NULL, 0, 50); /* it may be at it: our supervisor has only just died */
		if (c->sampling.pid > 0 && kill(c->sampling.pid, 0) < 0)
			break;
	}
	if (access(log, F_OK) < 0)
		return;
	sampling_words(c, 0, true, &argv);
	helper_environment(&env, c->setup->envp, c->o);
	pid = helper_start("sampler", argv.v, env.v, -1, -1, false, &e);
	strv_release(&env);
	if (pid < 0 || helper_wait(pid, until_ns) != 0)
		say(c, "no profile could be made of %s", log);
	strv_release(&argv);
}

/* --mpa FILE. */
static void molt_copy(struct context *c)
{
	auto_free char *from = path_join(c->paths.raw, "molt_profile.json"), *bytes = NULL, *to = NULL;
	struct err e = { 0 };
	size_t n = 0;

	if (!c->o->profiling.mpa || c->is_front)
		return;
	to = path_resolve(c->setup->root, c->o->profiling.mpa);
	if (access(from, F_OK) < 0) {
		say_always(c, "--mpa '%s': no Molt profile was made: see artifact-mpa.json", to);
		return;
	}
	if (file_read(from, (size_t)1 << 30, &bytes, &n, &e) == 0 && file_write(to, bytes, n, &e) == 0)
		return;
	say_always(c, "--mpa '%s': %s", to, e.msg);
	c->sampling.unwritten = true;
}

void sampling_finish(struct context *c)
{
	int64_t until = clock_mono_ns() + (c->cancelled ? FINISH_CANCELLED_NS : FINISH_NS);

	if (!c->sampling.on)
		return;
	c->sampling.on = false;
	c->concerns = true; /* the report looks for what made it slow */
	if (c->sampling.fd >= 0)
		shutdown(c->sampling.fd, SHUT_WR);
	if (!end_wait(c, until))
		say(c, "the profile is not written yet: the sampler takes too long");
	else
		finish_again(c, until);
	molt_copy(c);
	sampling_hooks_remove(c);
	fd_close(&c->sampling.fd);
}
