/* SPDX-License-Identifier: Apache-2.0 */
#include "runner/proc/front.h"

#include "base/clock.h"
#include "base/fd.h"
#include "base/guard.h"
#include "base/mem.h"
#include "base/path.h"
#include "runner/proc/contain.h"
#include "runner/proc/finish.h"
#include "runner/proc/guard.h"
#include "runner/proc/kernel.h"
#include "runner/proc/look.h"
#include "runner/proc/pulse.h"
#include "runner/proc/slot_dir.h"
#include "runner/proc/supervisor.h"
#include "runner/proc/tree.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <unistd.h>

/* Start times are in clock ticks of 10 ms. */
#define FOREIGN_SLACK_NS (10 * NS_PER_MS)
#define LOOKS_WAITING_MAX 16
/* How long a process that was killed may take to be gone. */
#define GIVE_UP_NS (200 * NS_PER_MS)

struct front {
	struct context *run;
	pid_t supervisor;
	int epoll_fd, signal_fd, timer_fd;
	int stream_fd[STREAM_COUNT]; /* duplicates: the supervisor's death is no SIGPIPE for the tests */
	char input[4096];            /* typed, not yet taken by the pseudo-terminal */
	size_t input_len;
	int64_t interrupt_ns;        /* when the first Ctrl-C of a row was typed … */
	int interrupts;              /* … and how many it is */
	bool input_armed, output_armed;
	pid_t looker;                /* helper that explains what the look shows */
	bool look_killed;
	struct look *look;
	int look_id, look_count;
	struct msg_look waiting[LOOKS_WAITING_MAX]; /* asked for while one is under way */
	int n_waiting;
	struct pulse_watch pulse;
	int cancel_signal;           /* the first that was handed over; 0 none */
	int64_t given_up_ns;         /* the supervisor was killed for standing still; 0: it was not … */
	char given_up_in[64];        /* … in this function of the kernel */
	bool over;
	int wait_status;
};

enum front_source { FRONT_SIGNAL, FRONT_LINK, FRONT_INPUT, FRONT_MASTER, FRONT_TIMER, FRONT_PARENT };

static const int front_signals[] = {
	SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1, SIGWINCH, SIGCHLD, SIGCONT, SIGTSTP, SIGTTIN, SIGTTOU,
};
#define FRONT_SIGNALS (sizeof(front_signals) / sizeof(*front_signals))

/* A child's kill(getppid(), …) must change nothing, so all that can be blocked is, but what a fault of our own
 * raises: blocked, that would end us as well, without a handler's word. Straight to the kernel, because libc
 * keeps the two signals of its own out of every mask, whose default action is to end the process. */
static void front_block_all(void)
{
	static const int faults[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGSYS, SIGABRT };
	uint64_t block = ~UINT64_C(0);
	sigset_t most;

	sigfillset(&most);
	for (size_t i = 0; i < sizeof(faults) / sizeof(*faults); i++) {
		block &= ~(UINT64_C(1) << (faults[i] - 1));
		sigdelset(&most, faults[i]);
	}
	if (syscall(SYS_rt_sigprocmask, SIG_SETMASK, &block, NULL, sizeof(block)) < 0)
		sigprocmask(SIG_SETMASK, &most, NULL); /* all but those two */
}

void front_block_signals(struct spawn_signals *was)
{
	struct sigaction old, dfl = { .sa_handler = SIG_DFL }, ignore = { .sa_handler = SIG_IGN };

	sigprocmask(SIG_BLOCK, NULL, &was->mask);
	front_block_all();
	sigaction(SIGPIPE, &ignore, &old);
	was->pipe_ignored = old.sa_handler == SIG_IGN;
	/* a limit on file sizes is an error of write(2) for us, like a full disk */
	sigaction(SIGXFSZ, &ignore, &old);
	was->xfsz_ignored = old.sa_handler == SIG_IGN;
	sigaction(SIGCHLD, &dfl, &old);
	was->chld_ignored = old.sa_handler == SIG_IGN;
	was->hup_ignored = sigaction(SIGHUP, NULL, &old) == 0 && old.sa_handler == SIG_IGN;
}

static int front_watch(struct front *f, int fd, uint32_t events, enum front_source src)
{
	struct epoll_event ev = { .events = events, .data.u32 = (uint32_t)src };

	return epoll_ctl(f->epoll_fd, EPOLL_CTL_ADD, fd, &ev);
}

/* --- keystrokes for the pseudo-terminal --- */

static void front_arm_input(struct front *f)
{
	bool want_in = (f->run->terminal.raw || f->run->terminal.keys) && f->input_len == 0;
	bool want_out = f->input_len > 0;

	if (want_in && !f->input_armed)
		front_watch(f, f->run->terminal.tty_fd, EPOLLIN, FRONT_INPUT);
	else if (!want_in && f->input_armed)
		epoll_ctl(f->epoll_fd, EPOLL_CTL_DEL, f->run->terminal.tty_fd, NULL);
	f->input_armed = want_in;
	if (want_out && !f->output_armed)
		front_watch(f, f->run->terminal.master, EPOLLOUT, FRONT_MASTER);
	else if (!want_out && f->output_armed)
		epoll_ctl(f->epoll_fd, EPOLL_CTL_DEL, f->run->terminal.master, NULL);
	f->output_armed = want_out;
}

static void front_pass_input(struct front *f)
{
	while (f->input_len) {
		ssize_t w = write(f->run->terminal.master, f->input, f->input_len);

		if (w < 0 && errno == EINTR)
			continue;
		if (w < 0 && errno != EAGAIN)
			f->input_len = 0; /* no slave is open: nobody reads */
		if (w <= 0)
			break;
		f->input_len -= (size_t)w;
		memmove(f->input, f->input + w, f->input_len);
	}
	front_arm_input(f);
}

#define KEY_STATUS 0x14  /* Ctrl-T, as on BSD and macOS */
#define KEY_LITERAL 0x16 /* Ctrl-V: the next one means itself */
#define KEY_INTERRUPT 0x03
/* So many times within this time, and nothing else typed, is not input for the command: the user wants to leave. */
#define INTERRUPTS_LEAVE 3
#define INTERRUPTS_NS (3 * NS_PER_S)

/* Ctrl-T asks us, where the command reads lines: an editor or shell that reads keys gets it. */
static void front_take_keys(struct front *f)
{
	struct termios t;
	size_t kept = 0;
	bool asked = false;

	if (f->run->terminal.keys) { /* nobody reads them but us */
		asked = memchr(f->input, 't', f->input_len) || memchr(f->input, KEY_STATUS, f->input_len);
		f->input_len = 0;
	} else if (memchr(f->input, KEY_STATUS, f->input_len) && tcgetattr(f->run->terminal.master, &t) == 0 &&
		   t.c_lflag & ICANON) {
		for (size_t i = 0; i < f->input_len; i++) {
			if (f->input[i] == KEY_STATUS && !(i && f->input[i - 1] == KEY_LITERAL))
				asked = true;
			else
				f->input[kept++] = f->input[i];
		}
		f->input_len = kept;
	}
	if (asked)
		msg_send(f->run->link, MSG_ASK, 0, NULL, 0, -1);
}

static void front_cancel(struct front *f, int sig);

/* The pseudo-terminal makes a signal for the command of Ctrl-C, which may ignore it. Like a second and third signal to us,
 * the second says how to leave, and the third ends all. An editor that reads it as a key gets it. */
static void front_count_interrupts(struct front *f)
{
	int64_t now = clock_mono_ns();
	struct termios t;

	for (size_t i = 0; i < f->input_len; i++) {
		if (f->input[i] != KEY_INTERRUPT || tcgetattr(f->run->terminal.master, &t) < 0 || !(t.c_lflag & ISIG) ||
		    t.c_cc[VINTR] != KEY_INTERRUPT) {
			f->interrupts = 0;
			continue;
		}
		if (now - f->interrupt_ns > INTERRUPTS_NS)
			f->interrupts = 0;
		if (f->interrupts++ == 0)
			f->interrupt_ns = now;
		if (f->interrupts == INTERRUPTS_LEAVE - 1)
			msg_send(f->run->link, MSG_INTERRUPTED, 0, NULL, 0, -1);
		for (int n = 0; f->interrupts == INTERRUPTS_LEAVE && n < INTERRUPTS_LEAVE; n++)
			front_cancel(f, SIGINT);
	}
}

static void front_read_input(struct front *f)
{
	ssize_t n = read(f->run->terminal.tty_fd, f->input, sizeof(f->input));

	if (n > 0) {
		f->input_len = (size_t)n;
		if (!f->run->terminal.keys)
			front_count_interrupts(f);
		front_take_keys(f);
		front_pass_input(f);
	} else if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
		epoll_ctl(f->epoll_fd, EPOLL_CTL_DEL, f->run->terminal.tty_fd, NULL);
		f->input_armed = false; /* in the background, say: SIGCONT arms it again */
	}
}

/* --- looking --- */

static void front_look(struct front *f, const struct msg_look *m);

static void front_look_over(struct front *f)
{
	struct itimerspec off = { 0 };

	if (!f->look_id)
		return;
	timerfd_settime(f->timer_fd, 0, &off, NULL);
	look_end(f->look);
	f->look = NULL;
	msg_send(f->run->link, MSG_DIAGNOSED, f->look_id, NULL, 0, -1);
	f->look_id = 0;
	f->looker = 0;
	if (f->n_waiting) {
		struct msg_look next = f->waiting[0];

		memmove(&f->waiting[0], &f->waiting[1], (size_t)--f->n_waiting * sizeof(f->waiting[0]));
		front_look(f, &next);
	}
}

static void front_emit_look(struct front *f, const char *status, const char *file)
{
	char json[256];
	int n = snprintf(json, sizeof(json), "\"status\":\"%s\",\"file\":\"%s\"", status, file);

	msg_send_emit(f->run->link, checkpoint_text[CP_DIAGNOSE_SNAPSHOT], json, (size_t)n);
}

/* Helper and thread are ours, never the supervisor's, whose waitid would steal the thread's stops. */
static void front_look(struct front *f, const struct msg_look *m)
{
	const char *dir = f->run->paths.raw;
	auto_free char *file = NULL;
	struct itimerspec it = { 0 };
	int64_t budget = clock_ms_to_ns(m->budget_ms);
	struct err e;
	auto_close int out = -1;

	if (f->look_id && f->n_waiting < LOOKS_WAITING_MAX) {
		f->waiting[f->n_waiting++] = *m;
		return;
	}
	if (f->look_id) {
		msg_send(f->run->link, MSG_DIAGNOSED, m->id, NULL, 0, -1);
		return;
	}
	f->look_id = m->id;
	f->look_killed = false;
	file = xasprintf("%s/snapshot-%d.json", dir, ++f->look_count);
	if (budget > 0 && path_mkdirs(dir, &e) == 0)
		out = guard_open(file, O_WRONLY | O_CREAT | O_EXCL, 0666);
	f->looker = -1;
	/* its own end comes a little before ours: what it has by then is better than nothing */
	if (out >= 0)
		f->look = look_start(f->run, m, out, clock_mono_ns() + budget / 100 * 85, &f->looker, &e);
	if (f->looker < 0) {
		if (out >= 0)
			guard_unlink(file);
		front_emit_look(f, "unavailable", "");
		front_look_over(f);
		return;
	}
	/* a little less than the supervisor allows, so that the snapshot is whole or gone in time */
	budget -= budget / 10;
	it.it_value.tv_sec = budget / NS_PER_S;
	it.it_value.tv_nsec = budget % NS_PER_S;
	timerfd_settime(f->timer_fd, 0, &it, NULL);
}

static void front_looked(struct front *f, int status)
{
	char name[64];

	snprintf(name, sizeof(name), "snapshot-%d.json", f->look_count);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0) {
		front_emit_look(f, "ok", name);
	} else {
		auto_free char *file = path_join(f->run->paths.raw, name);

		guard_unlink(file);
		front_emit_look(f, WIFSIGNALED(status) ? "timed_out" : "unavailable", "");
	}
	front_look_over(f);
}

/* Its time is over. It is killed, and its end comes as SIGCHLD; if it hangs in the kernel we go on without it. */
static void front_look_late(struct front *f)
{
	struct itimerspec it = { .it_value.tv_nsec = GIVE_UP_NS };

	if (f->looker <= 0)
		return;
	if (f->look_killed) {
		front_looked(f, SIGKILL);
		return;
	}
	f->look_killed = true;
	kill(f->looker, SIGKILL);
	timerfd_settime(f->timer_fd, 0, &it, NULL);
}

/* --- job control --- */

/* Lets a pending SIGTSTP act, by the kernel's own rule: a group that nobody could continue (no shell
 * above us) is not stopped. */
static void front_take_stop(void)
{
	sigset_t stop;

	sigemptyset(&stop);
	sigaddset(&stop, SIGTSTP);
	sigprocmask(SIG_UNBLOCK, &stop, NULL);
	sigprocmask(SIG_BLOCK, &stop, NULL);
}

/* Which group has the terminal now: may we print on it? The supervisor, in another session, cannot ask. */
static void front_tell_window(struct front *f)
{
	const struct terminal *t = &f->run->terminal;
	pid_t front = t->tty_fd >= 0 ? tcgetpgrp(t->tty_fd) : -1;

	msg_send(f->run->link, MSG_WINDOW,
		 front > 0 && (front == getpgrp() || front == atomic_load(&f->run->shared->command_pid)), NULL, 0, -1);
}

static void front_suspend(struct front *f)
{
	struct terminal *t = &f->run->terminal;

	terminal_restore(t);
	/* those that share our pipeline stop with us */
	kill(0, SIGTSTP);
	front_take_stop();
	/* here again after SIGCONT, or at once */
	t->foreground = t->tty_fd >= 0 && tcgetpgrp(t->tty_fd) == t->signal_own_group;
	terminal_set_raw(&f->run->terminal);
	terminal_copy_size(&f->run->terminal);
	front_tell_window(f);
	msg_send(f->run->link, MSG_RESUME, 0, NULL, 0, -1);
}

/* From the terminal only where the command is not in front; from anyone by kill: stop, the command
 * goes on, its time too. */
static void front_stop_alone(struct front *f)
{
	msg_send(f->run->link, MSG_WINDOW, 0, NULL, 0, -1);
	terminal_restore(&f->run->terminal);
	kill(getpid(), SIGTSTP);
	front_take_stop();
	terminal_set_raw(&f->run->terminal);
	front_tell_window(f);
}

/* --- signals, messages --- */

static void front_reap(struct front *f)
{
	int status;
	pid_t pid;

	/* Not the children that one of our threads has stopped to inspect: it would never see their stops. */
	while ((pid = waitpid(-1, &status, WNOHANG | WUNTRACED | __WNOTHREAD)) > 0 || (pid < 0 && errno == EINTR)) {
		if (pid > 0 && WIFSTOPPED(status)) {
			if (pid == f->supervisor)
				kill(pid, SIGCONT); /* it is never stopped for a reason */
			continue;
		}
		if (pid == f->supervisor) {
			f->over = true;
			f->wait_status = status;
			return; /* the following children belong to the tree: the process that takes over reaps them */
		}
		if (pid == f->looker)
			front_looked(f, status);
	}
}

/* From now on the supervisor has its time to do it in. */
static void front_note_cancel(struct front *f, int sig)
{
	if (f->cancel_signal)
		return;
	f->cancel_signal = sig;
	f->pulse.cancel_ns = clock_mono_ns();
}

static void front_cancel(struct front *f, int sig)
{
	front_note_cancel(f, sig);
	msg_send(f->run->link, MSG_CANCEL, sig, NULL, 0, -1);
}

static void front_signal(struct front *f, const struct signalfd_siginfo *si)
{
	switch ((int)si->ssi_signo) {
	case SIGCHLD: front_reap(f); break;
	case SIGWINCH:
		terminal_copy_size(&f->run->terminal);
		front_tell_window(f);
		break;
	case SIGUSR1: msg_send(f->run->link, MSG_ASK, 1, NULL, 0, -1); break;
	case SIGCONT:
		if (f->run->terminal.raw || f->run->terminal.keys) {
			terminal_set_raw(&f->run->terminal);
			terminal_copy_size(&f->run->terminal);
			front_arm_input(f);
		}
		front_tell_window(f);
		break;
	case SIGTSTP:
		if (si->ssi_pid != (uint32_t)getpid())
			front_stop_alone(f);
		break;
	case SIGTTIN:
	case SIGTTOU: break;
	case SIGHUP:
		if (f->run->signals.hup_ignored)
			break;
		/* fall through */
	default: front_cancel(f, (int)si->ssi_signo); break;
	}
}

static void front_messages(struct front *f)
{
	struct msg_look look;
	struct msg m;
	int fd, got;

	while ((got = msg_recv(f->run->link, &m, &fd)) > 0) {
		switch (m.kind) {
		case MSG_STREAM:
			if (m.value < STREAM_COUNT) {
				fd_close(&f->stream_fd[m.value]);
				f->stream_fd[m.value] = fd_steal(&fd);
			}
			break;
		case MSG_STREAM_CLOSE:
			if (m.value < STREAM_COUNT)
				fd_close(&f->stream_fd[m.value]);
			break;
		case MSG_JOURNAL:
			f->run->journal_fd = fd_steal(&fd);
			break;
		case MSG_SUSPEND: front_suspend(f); break;
		case MSG_DIAGNOSE:
			if (msg_look_of(&m, &look))
				front_look(f, &look);
			break;
		default: break;
		}
		fd_close(&fd);
	}
	if (got < 0)
		epoll_ctl(f->epoll_fd, EPOLL_CTL_DEL, f->run->link, NULL);
}

/* --- when the supervisor dies --- */

static void reap_all(void *ctx)
{
	(void)ctx;
	while (waitpid(-1, NULL, WNOHANG) > 0)
		;
}

/* Without a trace or a loop of our own the tree is still ended. */
static void front_kill_all(struct context *c)
{
	pid_t command = atomic_load(&c->shared->command_pid);
	struct tree t;
	size_t killed;

	if (c->contain == CONTAIN_GROUP && command > 0)
		killpg(command, SIGKILL);
	tree_init(&t, getpid(), NULL);
	t.aside = atomic_load(&c->shared->guard_pid);
	tree_kill_children(&t, clock_mono_ns() + 2 * NS_PER_S, reap_all, NULL, &killed);
	tree_release(&t);
}

/* The tree came to us when it died. Its streams go on where it stopped; the journal too. */
static int front_take_over(struct front *f)
{
	struct context *c = f->run;
	struct supervisor *s = NULL;
	int code;
	struct attrs a = { 0 };
	struct trace *before = c->trace;
	struct err e = { 0 };
	int64_t now;

	if (atomic_load(&c->shared->status_shown))
		outlet_write(&c->outlet[STREAM_ERR], "\033[J", 3); /* its lines below the cursor */
	if (f->given_up_ns)
		say_always(c, "the supervising process does not move any more: ending the command in its place");
	else
		say_always(c, "the supervising process died (%s %d): ending the command",
			   WIFSIGNALED(f->wait_status) ? "signal" : "exit code",
			   WIFSIGNALED(f->wait_status) ? WTERMSIG(f->wait_status) : WEXITSTATUS(f->wait_status));
	look_end(f->look);
	f->look = NULL;
	fd_close(&c->link);
	if (trace_attach(&c->trace, c->journal_fd, c->redactor, &e) < 0 || !(s = supervisor_new(c, &e))) {
		say_always(c, "%s", e.msg);
		front_kill_all(c);
		return 125;
	}
	trace_close(before, false); /* what we had opened ourselves, before there were two of us */
	now = clock_mono_ns();
	attrs_init(&a, c->trace);
	attrs_word(&a, "which", "supervisor");
	attrs_int(&a, "signal", WIFSIGNALED(f->wait_status) ? WTERMSIG(f->wait_status) : 0);
	if (f->given_up_ns) {
		attrs_word(&a, "reason", "blocked");
		attrs_str(&a, "wchan", f->given_up_in);
	}
	trace_checkpoint(c->trace, c->dispatch_span, CP_RUN_SUPERVISOR_LOST, now, &a);
	attrs_release(&a);
	supervisor_take_over(s, f->stream_fd, clock_boot_ns() - (clock_mono_ns() - c->start_mono_ns) - FOREIGN_SLACK_NS,
			     f->cancel_signal);
	code = supervisor_loop(s);
	supervisor_free(s);
	terminal_restore(&c->terminal); /* what explains prints plain lines */
	slot_dirs_sweep(c);
	return finish_run(c, code, true, clock_mono_ns());
}

static void front_release(struct front *f)
{
	for (int i = 0; i < STREAM_COUNT; i++)
		fd_close(&f->stream_fd[i]);
	fd_close(&f->epoll_fd);
	fd_close(&f->signal_fd);
	fd_close(&f->timer_fd);
}

/* Killed where it stands still although something is due. One that hangs in the kernel for good cannot die: it does
 * nothing more either, so that we go on without its end. */
static void front_watch_supervisor(struct front *f)
{
	int64_t now = clock_mono_ns();

	if (f->given_up_ns) {
		f->over |= now - f->given_up_ns >= GIVE_UP_NS;
		f->wait_status = SIGKILL;
		return;
	}
	if (!pulse_is_lost(&f->pulse, &f->run->shared->pulse, f->supervisor, now))
		return;
	proc_wchan_read(f->supervisor, f->supervisor, f->given_up_in, sizeof(f->given_up_in));
	kill(f->supervisor, SIGKILL);
	f->given_up_ns = now;
}

static int front_wait_ms(const struct front *f)
{
	int ms = f->given_up_ns ? (int)(GIVE_UP_NS / NS_PER_MS) :
				  pulse_wait_ms(&f->pulse, &f->run->shared->pulse, clock_mono_ns());
	int guard = guard_wait_ms(f->run);

	return guard >= 0 && guard < ms ? guard : ms;
}

static void front_loop(struct front *f)
{
	while (!f->over) {
		struct epoll_event ev[8];
		int n = epoll_wait(f->epoll_fd, ev, 8, front_wait_ms(f));

		for (int i = 0; i < n; i++) {
			struct signalfd_siginfo si;
			uint64_t ticks;

			switch ((enum front_source)ev[i].data.u32) {
			case FRONT_SIGNAL:
				while (!f->over && read(f->signal_fd, &si, sizeof(si)) == (ssize_t)sizeof(si))
					front_signal(f, &si);
				break;
			case FRONT_LINK: front_messages(f); break;
			case FRONT_INPUT: front_read_input(f); break;
			case FRONT_MASTER: front_pass_input(f); break;
			case FRONT_PARENT:
				epoll_ctl(f->epoll_fd, EPOLL_CTL_DEL, f->run->parent_fd, NULL);
				front_note_cancel(f, SIGTERM);
				msg_send(f->run->link, MSG_PARENT, 0, f->run->parent_name, strlen(f->run->parent_name), -1);
				break;
			case FRONT_TIMER:
				if (read(f->timer_fd, &ticks, sizeof(ticks)) < 0)
					break;
				front_look_late(f);
				break;
			}
		}
		if (!f->over)
			front_watch_supervisor(f);
		if (!f->over)
			guard_replace(f->run, clock_mono_ns());
	}
	/* what it had said before it died: its streams, its journal */
	front_messages(f);
}

static struct front the_front;

/* A sandbox may refuse what both loops rest on: said before anything is started, for without it they would spin. */
static int front_check(const struct front *f, struct err *e)
{
	struct itimerspec off = { 0 };
	struct epoll_event ev;
	siginfo_t si;

	if (kernel_wait(P_ALL, 0, &si, WEXITED | WNOHANG | WNOWAIT) < 0 && errno != ECHILD)
		return err_sys(e, "waiting for processes (waitid) is refused here");
	if (epoll_wait(f->epoll_fd, &ev, 1, 0) < 0 && errno != EINTR)
		return err_sys(e, "waiting for events (epoll_wait) is refused here");
	if (timerfd_settime(f->timer_fd, 0, &off, NULL) < 0)
		return err_sys(e, "setting a timer (timerfd_settime) is refused here");
	return 0;
}

int front_prepare(struct context *c, int link, struct err *e)
{
	struct front *f = &the_front;
	sigset_t set;

	/* Zero already the first time: zeros written to it would make each of its pages ours, and then the supervisor's. */
	if (f->run)
		*f = (struct front){ 0 };
	f->run = c;
	for (int i = 0; i < STREAM_COUNT; i++)
		f->stream_fd[i] = -1;
	pulse_init(&f->pulse);
	f->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	sigemptyset(&set);
	for (size_t i = 0; i < FRONT_SIGNALS; i++)
		sigaddset(&set, front_signals[i]);
	f->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	f->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (f->epoll_fd < 0 || f->signal_fd < 0 || f->timer_fd < 0 ||
	    front_watch(f, f->signal_fd, EPOLLIN, FRONT_SIGNAL) < 0 ||
	    front_watch(f, link, EPOLLIN, FRONT_LINK) < 0 ||
	    front_watch(f, f->timer_fd, EPOLLIN, FRONT_TIMER) < 0 ||
	    (c->parent_fd >= 0 && front_watch(f, c->parent_fd, EPOLLIN, FRONT_PARENT) < 0)) {
		err_sys(e, "preparing the console");
		front_release(f);
		return -1;
	}
	if (front_check(f, e) < 0) {
		front_release(f);
		return -1;
	}
	return 0;
}

void front_forget(void)
{
	front_release(&the_front);
}

int front_run(struct context *c, pid_t supervisor)
{
	struct front *f = &the_front;
	int code;

	f->supervisor = supervisor;
	if (c->terminal.raw || c->terminal.keys) {
		terminal_set_raw(&c->terminal);
		front_arm_input(f);
	}
	front_reap(f); /* it may be over already */
	front_loop(f);
	if (f->looker > 0)
		kill(f->looker, SIGKILL); /* nobody asks any more; and stopped, we may have missed its time */
	if (atomic_load(&c->shared->sealed))
		code = atomic_load(&c->shared->exit_code);
	else
		code = front_take_over(f);
	terminal_restore(&c->terminal);
	if (c->terminal.mode == TERMINAL_SHARED && code >= 124)
		terminal_restore_modes(&c->terminal); /* it died before it could put them right */
	if (c->terminal.mode == TERMINAL_SHARED)
		terminal_give(&c->terminal, c->terminal.signal_own_group);
	if (c->shared->cgroup_dir[0])
		contain_cgroup_remove(c->shared->cgroup_dir);
	front_release(f);
	guard_dismiss(c);
	guard_reap(c);
	return code;
}
