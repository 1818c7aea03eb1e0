/* SPDX-License-Identifier: Apache-2.0 */
/* keep_alive.c - the same setting again without a limit, until the tree hangs as it did; then it is left to a
 * debugger. Whether it hangs is asked of spec-runner-inspect, which changes nothing. */
#include "runner/repro/session.h"

#include "base/clock.h"
#include "base/json_read.h"
#include "base/mem.h"
#include "base/path.h"
#include "profile/proc/process.h"
#include "trace/read.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#define TRIES_MOST 1000
#define LOOK_FIRST_NS (2 * NS_PER_S)
#define INSPECT_BYTES ((size_t)64 << 20)

/* `spec-runner inspect --json PID` into a file; false where it failed. */
static bool inspect(const struct session *s, pid_t pid, const char *file)
{
	auto_free char *number = xasprintf("%d", (int)pid);
	char *argv[] = { (char *)s->launch.program, (char *)"inspect", (char *)"--json", number, NULL };
	pid_t child = fork();
	int status;

	if (child == 0) {
		int fd = open(file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600),
		    null = open("/dev/null", O_RDWR | O_CLOEXEC);

		if (fd < 0 || dup2(fd, 1) < 0 || dup2(null, 0) < 0 || dup2(null, 2) < 0)
			_exit(125);
		execv(s->launch.program, argv);
		_exit(125);
	}
	while (child > 0 && waitpid(child, &status, 0) < 0)
		if (errno != EINTR)
			return false;
	return child > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/* One name may go on below the other: hang.wait.sync and hang.wait.sync.python_queue. */
static bool related(const char *a, const char *b)
{
	size_t n = strlen(a), m = strlen(b), k = n < m ? n : m;

	return strncmp(a, b, k) == 0 && (n == m || (n < m ? b[n] : a[m]) == '.');
}

static bool hangs_as_before(const struct session *s, pid_t pid, const char *dir)
{
	auto_free char *file = path_join(dir, "inspect.json");
	auto_free char *text = NULL;
	struct err ignored = { 0 };
	struct json_reader *r;
	const struct json_value *v;
	bool same = false;
	size_t n;

	if (!s->hit.pattern_id || !inspect(s, pid, file) || file_read(file, INSPECT_BYTES, &text, &n, &ignored) < 0)
		return false;
	r = json_reader_text(text, n, file);
	if (json_take(r, &v, &ignored) == 0) {
		const struct json_value *roots = json_get(v, "roots");

		for (v = roots ? roots->first : NULL; v && !same; v = v->next)
			same = related(attr_text(v, "pattern_id"), s->hit.pattern_id);
	}
	json_reader_free(r);
	unlink(file);
	return same;
}

static void say_alive(struct session *s, const struct pid_list *members)
{
	say_line(s, "repro: it hangs; %zu process%s left alone:", members->n, members->n == 1 ? "" : "es");
	for (size_t i = 0; i < members->n; i++) {
		struct proc_stat st;

		if (proc_stat_read(members->v[i], &st) == 0)
			say_line(s, "  pid %d (%s)", (int)members->v[i], st.comm);
	}
	say_line(s, "  look: spec-runner inspect %d", (int)members->v[0]);
	say_line(s, "  debug: gdb -p %d · py-spy dump --pid %d", (int)members->v[members->n - 1],
		 (int)members->v[members->n - 1]);
	say_line(s, "  it ends with Ctrl-C%s", s->until_ns == TIME_NEVER ? "" : " or when --for-ms is over");
}

static int signals_open(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, NULL);
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

/* Until a time, the end of the run, or a signal. true: the time has come. */
static bool wait_until(struct session *s, struct attempt *a, int signals, int64_t until_ns)
{
	for (;;) {
		int64_t now = clock_mono_ns(), due = attempt_step(a, now);
		struct pollfd fds[] = { { signals, POLLIN, 0 }, { a->pidfd, POLLIN, 0 } };
		struct signalfd_siginfo info;

		due = due < until_ns ? due : until_ns;
		if (now >= until_ns)
			return true;
		poll(fds, 2, due == TIME_NEVER ? -1 : (int)((due - now) / NS_PER_MS) + 1);
		if (read(signals, &info, sizeof(info)) == sizeof(info)) {
			s->interrupted = (int)info.ssi_signo;
			return false;
		}
		if (fds[1].revents)
			return false;
	}
}

static void end_it(struct attempt *a, const struct session *s)
{
	attempt_end(a);
	for (int i = 0; !attempt_reap(a, &s->launch, &s->target, clock_mono_ns()); i++) {
		struct pollfd fd = { a->pidfd, POLLIN, 0 };

		poll(&fd, 1, 8000);
		if (i)
			attempt_end(a);
	}
	attempt_remove(a);
	attempt_release(a);
}

/* One try: true where it hung and was left alone until the end of the time or a signal. */
static bool try_once(struct session *s, int signals, struct err *e)
{
	struct attempt a = { .n = ++s->n, .setting = s->hit_setting };
	auto_pid_list list = PID_LIST_INIT;
	bool hung = false;
	int64_t looked = LOOK_FIRST_NS > s->longest_pass_ns * 2 ? LOOK_FIRST_NS : s->longest_pass_ns * 2;

	if (attempt_start(&a, &s->launch, s->selection.argv.v, &s->selection.env, clock_mono_ns(), e) < 0) {
		attempt_remove(&a);
		attempt_release(&a);
		return false;
	}
	if (wait_until(s, &a, signals, clock_mono_ns() + looked)) {
		perturber_end(&a.perturber);
		perturber_members(&a.perturber, &list);
		hung = list.n && hangs_as_before(s, list.v[0], a.dir);
	}
	if (hung) {
		say_alive(s, &list);
		wait_until(s, &a, signals, s->until_ns);
	}
	end_it(&a, s);
	return hung;
}

int session_keep_alive(struct session *s, struct err *e)
{
	int signals = signals_open();
	bool hung = false;

	if (signals < 0)
		return err_sys(e, "waiting for signals");
	s->launch.watch_only = true;
	for (int i = 0;
	     i < TRIES_MOST && !hung && !s->interrupted && e->kind == ERR_NONE && clock_mono_ns() < s->until_ns; i++)
		hung = try_once(s, signals, e);
	close(signals);
	s->launch.watch_only = false;
	return e->kind == ERR_NONE ? 0 : -1;
}
