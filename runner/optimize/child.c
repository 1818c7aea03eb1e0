/* SPDX-License-Identifier: Apache-2.0 */
#include "runner/optimize/child.h"

#include "base/clock.h"
#include "base/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define TURN_MS 200

volatile sig_atomic_t child_interrupted;

static void become(const struct child *c, const int in[2], const int out[2], const int err[2])
{
	struct sigaction plain = { .sa_handler = SIG_DFL };
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	sigaction(SIGPIPE, &plain, NULL);
	setpgid(0, 0); /* a Ctrl-C is ours to hand over */
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (dup2(c->in ? in[0] : null, 0) < 0 || dup2(out[1], 1) < 0 || dup2(c->merge ? out[1] : err[1], 2) < 0 ||
	    (c->cwd && chdir(c->cwd) < 0))
		_exit(125);
	execvpe(c->argv[0], c->argv, c->envp);
	_exit(errno == ENOENT ? 127 : 126);
}

/* Reads what is there. False: the end. */
static bool take(int fd, struct str *to, size_t max, bool *cut)
{
	char buf[65536];
	ssize_t n = read(fd, buf, sizeof(buf));
	size_t room = to->len < max ? max - to->len : 0;

	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return true;
	if (n <= 0)
		return false;
	*cut |= (size_t)n > room;
	str_addn(to, buf, (size_t)n < room ? (size_t)n : room);
	return true;
}

/* Gives it more input. False: there is no more, or nobody reads it. */
static bool give(int fd, const char *p, size_t n, size_t *done)
{
	ssize_t w = write(fd, p + *done, n - *done);

	if (w < 0)
		return errno == EINTR || errno == EAGAIN;
	*done += (size_t)w;
	return *done < n;
}

static void end(struct child *c, pid_t pid, int *told)
{
	if (*told == 0 && child_interrupted)
		kill(pid, SIGTERM), *told = 1;
	if (clock_mono_ns() >= c->until_ns && !c->late) {
		c->late = true;
		kill(-pid, SIGKILL);
	}
}

static void pump(struct child *c, pid_t pid, int in, int out, int err)
{
	struct pollfd p[3] = { { out, POLLIN, 0 }, { err, POLLIN, 0 }, { in, POLLOUT, 0 } };
	size_t given = 0;
	int told = 0;

	while (p[0].fd >= 0 || p[1].fd >= 0 || p[2].fd >= 0) {
		int n = poll(p, 3, TURN_MS);

		end(c, pid, &told);
		if (n < 0 && errno != EINTR)
			break;
		if (n <= 0)
			continue;
		if (p[0].fd >= 0 && p[0].revents && !take(out, &c->out, c->out_max, &c->cut))
			p[0].fd = -1;
		if (p[1].fd >= 0 && p[1].revents && !take(err, &c->err, c->out_max, &c->cut))
			p[1].fd = -1;
		if (p[2].fd >= 0 && p[2].revents && !give(in, c->in, c->in_len, &given)) {
			close(in);
			p[2].fd = -1;
		}
	}
	if (p[2].fd >= 0)
		close(in);
}

static void reap(struct child *c, pid_t pid)
{
	int status, told = 0;

	while (waitpid(pid, &status, 0) < 0) {
		end(c, pid, &told);
		if (errno != EINTR)
			return;
	}
	c->signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
	c->code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + c->signal;
}

int child_run(struct child *c, struct err *e)
{
	int in[2] = { -1, -1 }, out[2] = { -1, -1 }, err[2] = { -1, -1 };
	pid_t pid = -1;

	str_reset(&c->out);
	str_reset(&c->err);
	c->cut = c->late = false;
	if (pipe2(in, O_CLOEXEC) == 0 && pipe2(out, O_CLOEXEC) == 0 && pipe2(err, O_CLOEXEC) == 0)
		pid = fork();
	if (pid == 0)
		become(c, in, out, err);
	fd_close(&in[0]);
	fd_close(&out[1]);
	fd_close(&err[1]);
	if (pid < 0) {
		err_sys(e, "starting '%s'", c->argv[0]);
		fd_close(&in[1]);
	} else {
		setpgid(pid, pid);
		if (!c->in)
			fd_close(&in[1]);
		else
			fcntl(in[1], F_SETFL, O_NONBLOCK);
		pump(c, pid, in[1], out[0], err[0]);
		reap(c, pid);
	}
	fd_close(&out[0]);
	fd_close(&err[0]);
	return pid < 0 ? -1 : 0;
}

void child_release(struct child *c)
{
	str_release(&c->out);
	str_release(&c->err);
}
