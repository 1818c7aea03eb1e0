/* inspect PID - diagnose a live process tree (contract 1 and 11).
 *
 * A child of this program does the looking: it reads other people's binaries, and may crash or hang over them. It has
 * a deadline; where it does not answer, the facts of /proc are shown without stacks. */
#include "base/clock.h"
#include "base/fd.h"
#include "base/mem.h"
#include "profile/collector.h"
#include "runner/cli/libexec.h"
#include "trace/redact.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>

/* Kept of the budget for the look without stacks, should the one with them fail. */
#define SPARE_NS (300 * NS_PER_MS)

struct inspection {
	struct cli *cli;
	struct redactor *redactor;
	pid_t pid;
	int64_t began_ns, deadline_ns;
};

static int pid_parse(struct cli *cli, pid_t *pid, struct err *e)
{
	char *end;
	long v;

	if (cli->operand_count != 1)
		return err_set(e, ERR_USAGE, "inspect wants one process id: inspect PID");
	errno = 0;
	v = strtol(cli->operands[0], &end, 10);
	if (errno || *end || end == cli->operands[0] || v <= 0 || v > INT_MAX)
		return err_set(e, ERR_USAGE, "inspect: '%s' is not a process id (a whole number above 0)",
			       cli->operands[0]);
	*pid = (pid_t)v;
	return 0;
}

/* Ours and the target's environment: a secret of either may stand in a command line. */
static int redactor_for(struct inspection *in, struct strv *env, struct err *e)
{
	auto_free char *theirs = xmalloc(PROC_ARGV_MAX);
	char path[40];
	ssize_t n;

	for (char **v = in->cli->envp; v && *v; v++)
		strv_add(env, *v);
	snprintf(path, sizeof(path), "/proc/%d/environ", (int)in->pid);
	n = fd_read_file(AT_FDCWD, path, theirs, PROC_ARGV_MAX);
	if (n > 0)
		proc_argv_split(theirs, (size_t)n, env);
	if (!env->v)
		strv_add(env, "LANG=");
	return redactor_new(&in->redactor, env->v, &in->cli->o.redact_env, &in->cli->o.redact_patterns, e);
}

/* Every collector, in the order in which they build on each other. */
static const struct collector *const with_stacks[] = { &collector_processes, &collector_pressure, &collector_stacks,
							&collector_waits, &collector_graph };
static const struct collector *const without[] = { &collector_processes, &collector_pressure, &collector_waits,
						    &collector_graph };

static void look(struct inspection *in, bool stacks, const char *why_not, struct str *out)
{
	bool colour = in->cli->o.color == TRI_ALWAYS || (in->cli->o.color == TRI_AUTO && isatty(STDOUT_FILENO));
	auto_pid_list pids = PID_LIST_INIT;
	struct collect_request q = { .deadline_ns = in->deadline_ns,
				     .intrusion = stacks ? INTRUSION_MICRO_STOP : INTRUSION_READ, .lines = true };
	struct snapshot s;

	proc_tree(in->pid, &pids);
	q.pids = pids.v;
	q.pid_count = pids.n;
	if (stacks)
		collect_run(&s, with_stacks, sizeof(with_stacks) / sizeof(*with_stacks), &q);
	else
		collect_run(&s, without, sizeof(without) / sizeof(*without), &q);
	if (!stacks)
		snapshot_collector(&s, collector_stacks.name, COLLECT_UNAVAILABLE, 0, why_not);
	s.duration_ns = clock_mono_ns() - in->began_ns;
	if (in->cli->o.json)
		snapshot_json(&s, in->redactor, out);
	else
		snapshot_text(&s, in->redactor, colour, out);
	snapshot_release(&s);
}

/* In the child: the answer goes through a pipe as it is, and ends with a NUL so that a torn one shows. */
static void look_in_child(struct inspection *in, int fd)
{
	auto_str out = STR_INIT;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	prctl(PR_SET_DUMPABLE, 0); /* copied stacks of others must not end in a core file */
	look(in, true, NULL, &out);
	str_addc(&out, '\0');
	_exit(fd_write_all(fd, out.data, out.len) < 0);
}

/* Whole answer, or false. *late tells why. */
static bool read_answer(int fd, int64_t deadline_ns, struct str *out, bool *late)
{
	char buf[65536];

	for (;;) {
		struct pollfd p = { .fd = fd, .events = POLLIN };
		int64_t left = deadline_ns - clock_mono_ns();
		ssize_t n;

		*late = left <= 0 || poll(&p, 1, (int)(left / NS_PER_MS) + 1) == 0;
		if (*late)
			return false;
		n = read(fd, buf, sizeof(buf));
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		str_addn(out, buf, (size_t)n);
	}
	if (!out->len || out->data[out->len - 1] != '\0')
		return false;
	out->len--;
	return true;
}

static void look_guarded(struct inspection *in, struct str *out)
{
	bool late = false;
	int ends[2], status;
	char why[120];
	pid_t child;

	if (pipe2(ends, O_CLOEXEC) < 0 || (child = fork()) < 0) {
		look(in, false, "no helper process could be started", out);
		return;
	}
	if (child == 0)
		look_in_child(in, ends[1]);
	close(ends[1]);
	if (!read_answer(ends[0], in->deadline_ns - SPARE_NS, out, &late)) {
		kill(child, SIGKILL);
		waitpid(child, &status, 0);
		if (late)
			snprintf(why, sizeof(why), "reading stacks took too long");
		else
			snprintf(why, sizeof(why), "the helper ended by %s %d", WIFSIGNALED(status) ? "signal" : "code",
				 WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
		str_reset(out);
		in->deadline_ns = clock_mono_ns() + SPARE_NS;
		look(in, false, why, out);
	} else {
		waitpid(child, &status, 0);
	}
	close(ends[0]);
}

static int inspect_body(struct cli *cli)
{
	struct inspection in = { .cli = cli, .began_ns = clock_mono_ns() };
	struct strv env = STRV_INIT;
	auto_str out = STR_INIT;
	struct proc_stat st;
	struct err e;
	int code = 0;

	in.deadline_ns = clock_add(in.began_ns, clock_ms_to_ns(cli->o.diagnose_ms));
	if (in.deadline_ns - in.began_ns < 2 * SPARE_NS)
		in.deadline_ns = in.began_ns + 2 * SPARE_NS;
	if (pid_parse(cli, &in.pid, &e) < 0)
		return cli_fail(&e);
	if (proc_stat_read(in.pid, &st) < 0) {
		err_sys(&e, "inspecting process %d", (int)in.pid);
		return cli_fail(&e);
	}
	if (redactor_for(&in, &env, &e) < 0)
		return cli_fail(&e);
	look_guarded(&in, &out);
	if (fd_write_all(STDOUT_FILENO, str_cstr(&out), out.len) < 0) {
		err_sys(&e, "writing the diagnosis");
		code = cli_fail(&e);
	}
	redactor_free(in.redactor);
	strv_release(&env);
	return code;
}

int main(int argc, char **argv)
{
	return cli_libexec_main("inspect", argc, argv, inspect_body);
}
