/* SPDX-License-Identifier: Apache-2.0 */
/* spec-runner mcp: the history for agents, on stdio. Exit 0 at the end of input; 2 usage; 125 standard output failed. */
#include "base/clock.h"
#include "base/fd.h"
#include "base/mem.h"
#include "mcp/mcp.h"
#include "runner/cli/cli.h"
#include "runner/cli/program.h"
#include "runner/config/history_place.h"
#include "runner/config/libexec.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

/* Nothing but answers may reach the client: whatever else prints goes to stderr. Returns the real standard output. */
static int take_stdout(struct err *e)
{
	int fd = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);

	if (fd < 0 || dup2(STDERR_FILENO, STDOUT_FILENO) < 0)
		return err_sys(e, "standard output");
	return fd;
}

/* Answers the lines that are whole, and drops them from in. *skipping: the rest of a line that was too long. */
static void answer_lines(struct mcp *m, struct str *in, bool *skipping, struct str *out)
{
	size_t at = 0;
	const char *end;

	while ((end = memchr(str_cstr(in) + at, '\n', in->len - at))) {
		size_t n = (size_t)(end - in->data) - at;

		in->data[at + n] = '\0';
		if (!*skipping)
			mcp_answer(m, in->data + at, n, clock_real_ns(), out);
		*skipping = false;
		at += n + 1;
	}
	memmove(in->data, in->data + at, in->len - at);
	in->len -= at;
	if (in->len > MCP_LINE_MOST) {
		if (!*skipping)
			mcp_answer_too_long(out);
		*skipping = true;
	}
	if (*skipping)
		in->len = 0;
	in->data[in->len] = '\0';
}

static int serve_lines(struct mcp *m, int to, struct err *e)
{
	auto_str in = STR_INIT, out = STR_INIT;
	bool skipping = false, at_end;
	char buf[65536];

	for (;;) {
		ssize_t n = read(STDIN_FILENO, buf, sizeof(buf));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_sys(e, "reading standard input");
		at_end = n == 0;
		if (at_end && (!in.len || skipping))
			return 0;
		str_addn(&in, at_end ? "\n" : buf, at_end ? 1 : (size_t)n); /* the last line may have no end */
		if (!at_end && !memchr(buf, '\n', (size_t)n) && in.len <= MCP_LINE_MOST)
			continue;
		answer_lines(m, &in, &skipping, &out);
		if (out.len && fd_write_all(to, out.data, out.len) < 0)
			return errno == EPIPE ? 0 : err_sys(e, "writing standard output");
		str_reset(&out);
		if (at_end)
			return 0;
	}
}

static int mcp_body(struct cli *cli)
{
	auto_free char *dir = history_dir(&cli->o, cli->root), *audit = libexec_find("audit");
	struct sigaction ignore = { .sa_handler = SIG_IGN };
	struct redactor *r = NULL;
	struct err e = { 0 };
	struct mcp m = {
		.read = { .dir = dir, .dsn = history_dsn(cli->envp, true), .network_ok = cli->o.history.network_ok },
		.settings = &cli->o.history, .root = cli->root, .version = SPEC_RUNNER_VERSION, .audit_program = audit,
		.envp = cli->envp,
	};
	int to, rc;

	if (cli->operand_count) {
		err_set(&e, ERR_USAGE, "mcp takes no arguments");
		return cli_fail(&e);
	}
	sigaction(SIGPIPE, &ignore, NULL);
	to = take_stdout(&e);
	if (to < 0 || redactor_new(&r, cli->envp, &cli->o.redact_env, &cli->o.redact_patterns, &e) < 0)
		return cli_fail(&e);
	m.redactor = r;
	rc = serve_lines(&m, to, &e);
	redactor_free(r);
	close(to);
	return rc < 0 ? cli_fail(&e) : 0;
}

int main(int argc, char **argv)
{
	return program_main("mcp", argc, argv, mcp_body);
}
