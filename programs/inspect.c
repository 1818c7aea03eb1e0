/* SPDX-License-Identifier: Apache-2.0 */
/* inspect PID - diagnose a live process tree (contract 1 and 11).
 *
 * A child of this program explains: it reads other people's binaries, and may crash or hang over them. It has
 * a deadline; where it does not answer, the facts of /proc are shown without stacks. Started by a supervisor it
 * is handed the copies by the front, an ancestor of what is looked at; started by a user it copies by itself. */
#include "base/clock.h"
#include "base/fd.h"
#include "base/json_write.h"
#include "base/mem.h"
#include "profile/snapshot/agent.h"
#include "profile/snapshot/snapshot_place.h"
#include "profile/collector.h"
#include "profile/proc/slow_read.h"
#include "runner/cli/program.h"
#include "trace/contract.h"
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
/* How long a child that was killed, or has answered, may take to be gone. */
#define REAP_NS (50 * NS_PER_MS)

/* Of an answer, at one go: that of a thousand goroutines has a million bytes. */
enum { ANSWER_BYTES = 256 << 10 };

/* A thread that has been off the CPU for so long is stuck, unless a second look shows that it moves. */
#define STUCK_NS (1000 * NS_PER_MS)

struct inspection {
	struct cli *cli;
	struct redactor *redactor;
	pid_t pid;
	int64_t began_ns, deadline_ns, spare_ns;
	struct agent *agent;  /* who looks for us, being an ancestor; NULL: we do */
	bool ends;            /* this process does, right after its look: its memory need not be given back by parts */
	struct snapshot copy; /* made before the child is forked: both it and we, should it fail, explain the same one */
};

/* No options of the user's: a supervisor puts them first. */
static int64_t until_ns, gap_ms = -1;
static int agent_fd = -1;

static int pid_parse(struct cli *cli, pid_t *pid, struct err *e)
{
	char *end;
	long v;

	if (cli->operand_count != 1)
		return err_set(e, ERR_USAGE, "inspect needs one process id: inspect PID");
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
	auto_free char *theirs = NULL;
	ssize_t n;

	for (char **v = in->cli->envp; v && *v; v++)
		strv_add(env, *v);
	n = proc_slow_read(in->pid, "environ", PROC_ARGV_MAX, &theirs);
	if (n > 0)
		proc_argv_split(theirs, (size_t)n, env);
	if (!env->v)
		strv_add(env, "LANG=");
	return redactor_new(&in->redactor, env->v, &in->cli->o.redact_env, &in->cli->o.redact_patterns, e);
}

#define LEARN_MEMBERS_MAX 256

/* A script may have fetched a secret from a vault and exported it: the processes below it have it in their
 * environments, and, as like as not, one of them in its arguments. */
static void learn_members(struct inspection *in)
{
	for (size_t i = 0; i < in->copy.process_count && i < LEARN_MEMBERS_MAX; i++) {
		auto_free char *theirs = NULL; /* of one whose memory is locked the front's thread knows, we do not */
		struct strv env = STRV_INIT;
		ssize_t n;

		if (clock_mono_ns() > in->deadline_ns - in->spare_ns)
			return;
		n = proc_slow_read(in->copy.processes[i].pid, "environ", PROC_ARGV_MAX, &theirs);
		if (n > 0)
			proc_argv_split(theirs, (size_t)n, &env);
		redactor_learn_env(in->redactor, env.v);
		redactor_learn_argv(in->redactor, in->copy.processes[i].argv.v);
		strv_release(&env);
	}
}

/* Every collector, in the order in which they build on each other. */
static const struct collector *const copies[] = { &collector_processes };
static const struct collector *const with_stacks[] = { &collector_pressure, &collector_facts, &collector_stacks,
							&collector_waits, &collector_graph };
static const struct collector *const without[] = { &collector_pressure, &collector_facts, &collector_waits,
						    &collector_graph };
static const struct collector *const stacks_alone[] = { &collector_stacks };
#define COUNT(a) (sizeof(a) / sizeof(*(a)))

static void copy_by_ourselves(struct inspection *in, struct collect_request q, struct snapshot *s)
{
	auto_pid_list pids = PID_LIST_INIT;

	proc_tree(in->pid, &pids);
	q.pids = pids.v;
	q.pid_count = pids.n;
	collect_run(s, copies, COUNT(copies), &q);
}

static void nap_until(int64_t at_ns)
{
	for (int64_t left; (left = at_ns - clock_mono_ns()) > 0;)
		poll(NULL, 0, (int)(left / NS_PER_MS) + 1);
}

static bool interval_given(const struct options *o)
{
	for (size_t i = 0; i < option_row_count; i++)
		if (option_rows[i].offset == offsetof(struct options, interval_ms))
			return option_source(o, &option_rows[i]) != SOURCE_DEFAULT;
	return false;
}

/* How much later to look again; 0: not at all. The user's word goes first. With a supervisor's patience of a second
 * it is for whoever has run within the last one; else, before a kill and for a user who waits, only for whoever
 * computes. */
static int64_t second_gap(const struct inspection *in, const struct snapshot *s, int64_t deadline_ns)
{
	const struct options *o = &in->cli->o;
	bool asked = gap_ms < 0 && interval_given(o);
	int64_t gap = clock_ms_to_ns(gap_ms >= 0 ? gap_ms : o->interval_ms), took = clock_mono_ns() - s->at_mono_ns;

	if (!asked && !snapshot_unsettled(s, STUCK_NS, gap < STUCK_NS))
		return 0;
	/* the second look takes no longer than the first: it does less */
	return s->at_mono_ns + (gap > took ? gap : took) + took < deadline_ns ? gap : 0;
}

/* Stuck, slow or spinning? */
static void look_again(struct inspection *in, struct snapshot *s, const struct collect_request *q)
{
	int64_t gap = second_gap(in, s, q->deadline_ns), at = s->at_mono_ns + gap;
	struct snapshot again = { 0 };
	struct err e = { 0 };

	if (gap > 0 && !in->agent) {
		nap_until(at);
		copy_by_ourselves(in, *q, &again);
	} else if (gap <= 0 || agent_again(in->agent, at) < 0 ||
		   agent_receive(in->agent, &again, q->deadline_ns, &e) < 0) {
		snapshot_compare(s, NULL, STUCK_NS);
		return;
	}
	snapshot_keep_moved(&again, s);
	collect_more(&again, stacks_alone, COUNT(stacks_alone), q);
	snapshot_compare(s, &again, STUCK_NS);
	snapshot_release(&again);
}

static void record(struct inspection *in, const char *name, struct str *json)
{
	auto_str text = STR_INIT;

	str_add(&text, name);
	str_addc(&text, '\0');
	str_addn(&text, json->data + 1, json->len - 2); /* members, without their braces */
	agent_record(in->agent, text.data, text.len);
	str_reset(json);
}

static void put_redacted(struct inspection *in, struct json *j, const char *key, const char *text)
{
	auto_str clean = STR_INIT;

	if (!text)
		return;
	redact_text(in->redactor, text, strlen(text), &clean);
	json_str(j, key, str_cstr(&clean));
}

/* For people who watch the run: the supervisor says it while it goes on. */
static void record_place(struct inspection *in, const struct snapshot *s)
{
	auto_str text = STR_INIT;
	struct snap_place place;
	struct json j;

	if (!snapshot_place(s, &place))
		return;
	json_init(&j, &text);
	json_object(&j, NULL);
	json_int(&j, "pid", place.process->pid);
	json_str(&j, "comm", place.process->stat.comm);
	json_str(&j, "pattern_id", place.pattern_id);
	put_redacted(in, &j, "test", place.test);
	if (place.frame) {
		put_redacted(in, &j, "function", place.frame->function);
		put_redacted(in, &j, "file", place.frame->file);
		json_int(&j, "line", place.frame->line);
	}
	json_object_end(&j);
	json_finish(&j);
	record(in, checkpoint_text[CP_DIAGNOSE_PLACE], &text);
}

/* For the trace: how each collector fared, and what moves. */
static void record_all(struct inspection *in, const struct snapshot *s)
{
	enum { VERDICTS_MAX = 32 };
	auto_str text = STR_INIT;
	struct json j;

	record_place(in, s);
	for (size_t i = 0; i < s->collector_count; i++) {
		const struct snap_collector *c = &s->collectors[i];

		json_init(&j, &text);
		json_object(&j, NULL);
		json_str(&j, "collector", c->name);
		json_str(&j, "status", collect_status_text[c->status]);
		json_int(&j, "intrusion", c->intrusion);
		json_ms(&j, "duration_ms", c->duration_ns);
		json_str(&j, "reason", c->reason);
		json_object_end(&j);
		json_finish(&j);
		record(in, checkpoint_text[CP_DIAGNOSE_COLLECTOR], &text);
	}
	for (size_t i = 0; i < s->process_count && i < VERDICTS_MAX; i++) {
		const struct snap_process *p = &s->processes[i];

		if (!p->verdict)
			continue;
		json_init(&j, &text);
		json_object(&j, NULL);
		json_int(&j, "pid", p->pid);
		json_str(&j, "comm", p->stat.comm);
		json_str(&j, "verdict", verdict_text[p->verdict]);
		json_ms(&j, "interval_ms", s->interval_ns);
		json_object_end(&j);
		json_finish(&j);
		record(in, checkpoint_text[CP_DIAGNOSE_VERDICT], &text);
	}
}

/* Nothing is arranged at the start of what runs already: 3 is no more than 2. */
static enum intrusion allowed(const struct inspection *in)
{
	int64_t n = in->cli->o.profiling.intrusion;

	return n > INTRUSION_COOPERATIVE ? INTRUSION_COOPERATIVE : (enum intrusion)n;
}

static void look(struct inspection *in, bool stacks, const char *why_not, struct str *out)
{
	bool colour = in->cli->o.color == TRI_ALWAYS || (in->cli->o.color == TRI_AUTO && isatty(STDOUT_FILENO));
	struct collect_request q = { .deadline_ns = in->deadline_ns - (stacks ? in->spare_ns : 0),
				     .intrusion = stacks ? allowed(in) : INTRUSION_READ,
				     .lines = true };
	struct snapshot s = in->copy;

	in->copy = (struct snapshot){ 0 };
	q.pids = &s.root;
	q.pid_count = 1;
	if (stacks) {
		collect_more(&s, with_stacks, COUNT(with_stacks), &q);
		look_again(in, &s, &q);
	} else {
		collect_more(&s, without, COUNT(without), &q);
		snapshot_collector(&s, collector_stacks.name, COLLECT_UNAVAILABLE, 0, why_not);
		snapshot_compare(&s, NULL, STUCK_NS);
	}
	s.duration_ns = clock_mono_ns() - in->began_ns;
	if (in->agent)
		record_all(in, &s);
	if (in->cli->o.json)
		snapshot_json(&s, in->redactor, out);
	else
		snapshot_text(&s, in->redactor, colour, out);
	if (!in->ends)
		snapshot_release(&s);
}

/* In the child: the answer goes through a pipe as it is, and ends with a NUL so that a torn one shows. */
static void look_in_child(struct inspection *in, int fd)
{
	auto_str out = STR_INIT;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	in->ends = true;
	look(in, true, NULL, &out);
	str_addc(&out, '\0');
	_exit(fd_write_all(fd, out.data, out.len) < 0);
}

/* Whole answer, or false. *late tells why. */
static bool read_answer(int fd, int64_t deadline_ns, struct str *out, bool *late)
{
	for (;;) {
		struct pollfd p = { .fd = fd, .events = POLLIN };
		int64_t left = deadline_ns - clock_mono_ns();
		ssize_t n;

		*late = left <= 0 || poll(&p, 1, (int)(left / NS_PER_MS) + 1) == 0;
		if (*late)
			return false;
		str_reserve(out, ANSWER_BYTES);
		n = read(fd, out->data + out->len, ANSWER_BYTES);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		out->len += (size_t)n;
		out->data[out->len] = '\0';
	}
	if (!out->len || out->data[out->len - 1] != '\0')
		return false;
	out->len--;
	return true;
}

/* A child that has asked a dead file system for something cannot be killed: it is left behind then. */
static int reap_for(pid_t child, int64_t last_ns)
{
	int status = 0;
	pid_t got;

	while ((got = waitpid(child, &status, WNOHANG)) == 0 || (got < 0 && errno == EINTR)) {
		if (clock_mono_ns() >= last_ns)
			return SIGKILL;
		poll(NULL, 0, 1);
	}
	return status;
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
	fcntl(ends[1], F_SETPIPE_SZ, ANSWER_BYTES); /* where it may: the fewer turns it takes */
	if (child == 0)
		look_in_child(in, ends[1]);
	close(ends[1]);
	if (!read_answer(ends[0], in->deadline_ns - in->spare_ns, out, &late)) {
		kill(child, SIGKILL);
		status = reap_for(child, clock_mono_ns() + REAP_NS);
		if (late)
			snprintf(why, sizeof(why), "reading stacks took too long");
		else
			snprintf(why, sizeof(why), "the helper ended by %s %d", WIFSIGNALED(status) ? "signal" : "code",
				 WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
		str_reset(out);
		in->deadline_ns = clock_mono_ns() + in->spare_ns;
		look(in, false, why, out);
	} else {
		reap_for(child, clock_mono_ns() + REAP_NS);
	}
	close(ends[0]);
}

/* By the agent; where it gives none, by ourselves. */
static void copy_first(struct inspection *in)
{
	struct collect_request q = { .deadline_ns = in->deadline_ns - in->spare_ns,
				     .intrusion = allowed(in) ? INTRUSION_MICRO_STOP : INTRUSION_READ };
	struct err e = { 0 };

	if (agent_fd >= 0) {
		fcntl(agent_fd, F_SETFD, FD_CLOEXEC);
		in->agent = agent_open(agent_fd);
		if (agent_receive(in->agent, &in->copy, in->deadline_ns - in->spare_ns, &e) == 0)
			return;
		agent_close(in->agent);
		in->agent = NULL;
	}
	copy_by_ourselves(in, q, &in->copy);
}

static int inspect_body(struct cli *cli)
{
	struct inspection in = { .cli = cli, .began_ns = clock_mono_ns() };
	struct strv env = STRV_INIT;
	auto_str out = STR_INIT;
	struct proc_stat st;
	struct err e;
	int code = 0;

	in.deadline_ns = until_ns ? until_ns : clock_add(in.began_ns, clock_ms_to_ns(cli->o.diagnose_ms));
	if (!until_ns && in.deadline_ns - in.began_ns < 2 * SPARE_NS)
		in.deadline_ns = in.began_ns + 2 * SPARE_NS;
	in.spare_ns = (in.deadline_ns - in.began_ns) / 3;
	if (in.spare_ns > SPARE_NS)
		in.spare_ns = SPARE_NS;
	if (pid_parse(cli, &in.pid, &e) < 0)
		return cli_fail(&e);
	if (proc_stat_read(in.pid, &st) < 0) {
		err_sys(&e, "inspecting process %d", (int)in.pid);
		return cli_fail(&e);
	}
	if (redactor_for(&in, &env, &e) < 0)
		return cli_fail(&e);
	prctl(PR_SET_DUMPABLE, 0); /* copied stacks of others must not end in a core file */
	copy_first(&in);
	learn_members(&in);
	look_guarded(&in, &out);
	if (fd_write_all(STDOUT_FILENO, str_cstr(&out), out.len) < 0) {
		err_sys(&e, "writing the diagnosis");
		code = cli_fail(&e);
	}
	snapshot_release(&in.copy);
	agent_close(in.agent);
	redactor_free(in.redactor);
	strv_release(&env);
	return code;
}

int main(int argc, char **argv)
{
	mem_limit_of_helper();
	for (; argc > 1; argc--, argv++) {
		if (strncmp(argv[1], "--until=", 8) == 0)
			until_ns = strtoll(argv[1] + 8, NULL, 10);
		else if (strncmp(argv[1], "--agent=", 8) == 0)
			agent_fd = (int)strtol(argv[1] + 8, NULL, 10);
		else if (strncmp(argv[1], "--gap=", 6) == 0)
			gap_ms = strtoll(argv[1] + 6, NULL, 10);
		else
			break;
		argv[1] = argv[0];
	}
	return program_main("inspect", argc, argv, inspect_body);
}
