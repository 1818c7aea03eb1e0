/* SPDX-License-Identifier: Apache-2.0 */
/* audit.c - code_path_audit: `spec-runner audit` in a process of its own, anew for each call, for sources change. */
#include "base/clock.h"
#include "base/fd.h"
#include "base/json_scan.h"
#include "base/mem.h"
#include "mcp/tool.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define AUDIT_NS (120 * NS_PER_S)
#define OUTPUT_MOST ((size_t)64 << 20)

struct child {
	pid_t pid;
	int out, err;   /* ends that we read */
};

static int start(const struct mcp *m, char *const argv[], struct child *c, struct err *e)
{
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attr;
	int out[2], err[2], sys;

	if (pipe2(out, O_CLOEXEC) < 0)
		return err_sys(e, "making a pipe");
	if (pipe2(err, O_CLOEXEC) < 0) {
		close(out[0]);
		close(out[1]);
		return err_sys(e, "making a pipe");
	}
	posix_spawn_file_actions_init(&files);
	posix_spawnattr_init(&attr);
	posix_spawnattr_setpgroup(&attr, 0);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETPGROUP);
	posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_adddup2(&files, out[1], STDOUT_FILENO);
	posix_spawn_file_actions_adddup2(&files, err[1], STDERR_FILENO);
	sys = posix_spawn(&c->pid, argv[0], &files, &attr, argv, m->envp);
	posix_spawn_file_actions_destroy(&files);
	posix_spawnattr_destroy(&attr);
	close(out[1]);
	close(err[1]);
	c->out = out[0];
	c->err = err[0];
	if (!sys)
		return 0;
	close(out[0]);
	close(err[0]);
	errno = sys;
	return err_sys(e, "starting '%s'", argv[0]);
}

/* Both streams until their ends. -1: too long, or too much. */
static int gather(struct child *c, struct str *out, struct str *err, struct err *e)
{
	struct str *to[2] = { out, err };
	struct pollfd p[2] = { { .fd = c->out, .events = POLLIN }, { .fd = c->err, .events = POLLIN } };
	int64_t until = clock_mono_ns() + AUDIT_NS;
	char buf[65536];

	while (p[0].fd >= 0 || p[1].fd >= 0) {
		int64_t left = until - clock_mono_ns();

		if (left <= 0 || out->len + err->len > OUTPUT_MOST)
			return err_set(e, ERR_FAILURE,
				       left <= 0 ? "the audit took longer than 120 s"
						 : "the audit"
						   " wrote too much");
		if (poll(p, 2, (int)(left / NS_PER_MS) + 1) < 0 && errno != EINTR)
			return err_sys(e, "reading the audit");
		for (int i = 0; i < 2; i++) {
			ssize_t n = p[i].revents ? read(p[i].fd, buf, sizeof(buf)) : -1;

			if (n > 0)
				str_addn(to[i], buf, (size_t)n);
			else if (n == 0)
				p[i].fd = -1;
		}
	}
	return 0;
}

/* The exit status of `audit KIND NAME`; 255 where it was ended. */
static int run(const struct mcp *m, const char *kind, const char *name, const char *depth, struct str *out, struct str *err,
	       struct err *e)
{
	auto_free char *which = xasprintf("%s=%s", kind, name);
	char *argv[] = { (char *)m->audit_program, which, (char *)depth, (char *)"--format=json", NULL };
	struct child c;
	int status = 0, rc;

	str_reset(out);
	str_reset(err);
	if (start(m, argv, &c, e) < 0)
		return -1;
	rc = gather(&c, out, err, e);
	if (rc < 0)
		kill(-c.pid, SIGKILL);
	while (waitpid(c.pid, &status, 0) < 0 && errno == EINTR)
		;
	close(c.out);
	close(c.err);
	return rc < 0 ? -1 : WIFEXITED(status) ? WEXITSTATUS(status) : 255;
}

/* All members but mermaid and markdown; markdown is the text block. */
static int take_profile(struct tool_call *c, const struct str *out, struct err *e)
{
	__attribute__((cleanup(json_reader_free_ptr))) struct json_reader *r =
		json_reader_text(str_cstr(out), out->len, "audit");
	const struct json_value *v;
	struct json_member m;
	size_t n = out->len, at = 0;
	bool first = true;

	json_reader_deep(r, 1000);
	if (json_take(r, &v, e) < 0 || json_end(r, e) < 0)
		return err_add(e, "the audit's answer cannot be read");
	if (v->kind != JSON_OBJECT)
		return err_set(e, ERR_FAILURE, "the audit's answer is not an object");
	c->text = xstrdup(json_get_text(v, "markdown") ? json_get_text(v, "markdown") : "");
	while (n && strchr(" \n", out->data[n - 1]))
		n--;
	str_addc(&c->json, '{');
	while (json_next_member(out->data + 1, n - 2, &at, &m)) {
		if ((m.key_n == 7 && memcmp(m.key, "mermaid", 7) == 0) ||
		    (m.key_n == 8 && memcmp(m.key, "markdown", 8) == 0))
			continue;
		str_addf(&c->json, "%s\"%.*s\":", first ? "" : ",", (int)m.key_n, m.key);
		str_addn(&c->json, m.value, m.value_n);
		first = false;
	}
	str_addc(&c->json, '}');
	return 0;
}

/* The first line without who said it and of which option. */
static const char *first_line(const struct str *err, int *n)
{
	static const char *const heads[] = { "spec-runner: ", "--action: ", "--entry: " };
	const char *text = str_cstr(err);

	for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++)
		if (str_starts(text, heads[i]))
			text += strlen(heads[i]);
	*n = (int)strcspn(text, "\n");
	return text;
}

/* Neither an action nor a function: both messages, for either may know the nearest name. */
static int say(const struct str *err, const struct str *second, struct err *e)
{
	int n, m;
	const char *a = first_line(err, &n), *b = first_line(second, &m);

	if (!n)
		return err_set(e, ERR_FAILURE, "the audit failed");
	if (!m || (n == m && memcmp(a, b, (size_t)n) == 0))
		return err_set(e, ERR_FAILURE, "%.*s", n, a);
	return err_set(e, ERR_FAILURE, "%.*s; %.*s", n, a, m, b);
}

int tool_code_path_audit(struct tool_call *c, struct err *e)
{
	const struct json_value *n = json_get(c->args, "max_depth");
	auto_free char *depth = xasprintf("--depth=%lld", n ? (long long)n->integer : 10LL);
	auto_str out = STR_INIT, err = STR_INIT, second = STR_INIT;
	const char *name = tool_text(c, "action_name");
	int code = run(c->m, "--action", name, depth, &out, &err, e);

	if (code == 2) /* not a declared one: a function, perhaps */
		code = run(c->m, "--entry", name, depth, &out, &second, e);
	if (code < 0)
		return -1;
	return code == 0 || code == 1 ? take_profile(c, &out, e) : say(&err, &second, e);
}
