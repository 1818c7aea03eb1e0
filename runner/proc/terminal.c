/* SPDX-License-Identifier: Apache-2.0 */
#include "runner/proc/terminal.h"

#include "base/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

/* Of a pseudo-terminal where we have no terminal whose size could be taken: what everybody expects. */
enum { PLAIN_ROWS = 24, PLAIN_COLS = 80 };

/* Do stdout and stderr lead to one place where order can be seen? Devices such as
 * /dev/null keep no order. */
static bool terminal_same_sink(void)
{
	struct stat a, b;

	if (fstat(1, &a) < 0 || fstat(2, &b) < 0)
		return false;
	if (a.st_dev != b.st_dev || a.st_ino != b.st_ino)
		return false;
	return S_ISFIFO(a.st_mode) || S_ISSOCK(a.st_mode) || S_ISREG(a.st_mode);
}

static void terminal_look(struct terminal *t)
{
	for (int fd = 0; fd <= 2; fd++) {
		if (fcntl(fd, F_GETFD) < 0 && errno == EBADF) {
			t->closed[fd] = true;
			/* the lowest free descriptor is this one */
			if (open("/dev/null", fd ? O_WRONLY : O_RDONLY) != fd)
				continue;
		}
		t->is_tty[fd] = isatty(fd);
		if (t->tty_fd < 0 && t->is_tty[fd] && tcgetsid(fd) == getsid(0))
			t->tty_fd = fd;
	}
	if (t->tty_fd >= 0) {
		t->foreground = tcgetpgrp(t->tty_fd) == getpgrp();
		t->have_saved = tcgetattr(t->tty_fd, &t->saved) == 0;
	}
	t->signal_own_group = getpgrp();
}

int terminal_slave(int master)
{
	return ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
}

/* One pseudo-terminal. Output is passed on untouched unless our own terminal will be raw: then the
 * pseudo-terminal's line discipline does what ours would have done. */
static int terminal_open_pty(struct terminal *t, int *master, struct err *e)
{
	auto_close int slave = -1;
	struct termios tio;
	struct winsize ws;

	*master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (*master < 0)
		return err_sys(e, "opening a pseudo-terminal");
	if (grantpt(*master) < 0 || unlockpt(*master) < 0 || (slave = terminal_slave(*master)) < 0)
		return err_sys(e, "unlocking a pseudo-terminal");
	if (tcgetattr(slave, &tio) == 0) {
		if (t->have_saved)
			tio = t->saved;
		if (!t->raw) {
			tio.c_oflag &= ~(tcflag_t)OPOST;
			tio.c_lflag &= ~(tcflag_t)ECHO;
		}
		tcsetattr(slave, TCSANOW, &tio);
	}
	/* without a size tools that paint a status again and again cannot count its lines, and print new ones */
	if (t->tty_fd < 0 || ioctl(t->tty_fd, TIOCGWINSZ, &ws) < 0 || !ws.ws_col)
		ws = (struct winsize){ .ws_row = PLAIN_ROWS, .ws_col = PLAIN_COLS };
	ioctl(*master, TIOCSWINSZ, &ws);
	fcntl(*master, F_SETFL, O_NONBLOCK);
	return 0;
}

int terminal_init(struct terminal *t, enum tri pty, struct err *e)
{
	memset(t, 0, sizeof(*t));
	t->tty_fd = t->master = t->master_err = -1;
	terminal_look(t);
	if (pty == TRI_ALWAYS || (pty == TRI_AUTO && t->is_tty[1])) {
		for (int fd = 0; fd <= 2; fd++)
			t->pty_for[fd] = t->is_tty[fd];
		if (pty == TRI_ALWAYS)
			t->pty_for[1] = t->pty_for[2] = true;
		t->mode = TERMINAL_PTY;
	} else {
		t->mode = t->tty_fd >= 0 ? TERMINAL_SHARED : TERMINAL_NONE;
	}
	if (t->mode != TERMINAL_PTY) {
		t->merge = terminal_same_sink();
		return 0;
	}
	/* Keystrokes can be carried over only from a terminal that is ours and in front. */
	t->raw = t->pty_for[0] && t->tty_fd >= 0 && t->foreground;
	if (!t->raw)
		t->pty_for[0] = false;
	if (terminal_open_pty(t, &t->master, e) < 0)
		return -1;
	t->merge = t->pty_for[1] && t->pty_for[2] && ((t->is_tty[1] && t->is_tty[2]) || terminal_same_sink());
	if (t->pty_for[1] && t->pty_for[2] && !t->merge &&
	    terminal_open_pty(t, &t->master_err, e) < 0)
		return -1;
	return 0;
}

int terminal_lead_session(struct terminal *t, struct err *e)
{
	auto_close int slave = -1;

	if (t->mode != TERMINAL_PTY)
		return 0;
	if (setsid() < 0)
		return err_sys(e, "starting a session for the pseudo-terminal");
	slave = terminal_slave(t->master);
	if (slave < 0 || ioctl(slave, TIOCSCTTY, 0) < 0)
		return err_sys(e, "taking the pseudo-terminal");
	return 0;
}

void terminal_set_raw(struct terminal *t)
{
	struct termios raw;

	if ((!t->raw && !t->keys) || !t->have_saved || tcgetpgrp(t->tty_fd) != getpgrp())
		return;
	raw = t->saved;
	if (t->raw)
		cfmakeraw(&raw);
	else
		raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
	tcsetattr(t->tty_fd, TCSANOW, &raw);
}

void terminal_restore(struct terminal *t)
{
	if ((t->raw || t->keys) && t->have_saved)
		tcsetattr(t->tty_fd, TCSANOW, &t->saved);
}

void terminal_restore_modes(struct terminal *t)
{
	if (t->have_saved && t->tty_fd >= 0 && t->foreground)
		tcsetattr(t->tty_fd, TCSANOW, &t->saved);
}

void terminal_copy_size(struct terminal *t)
{
	struct winsize ws;

	if (t->master < 0 || t->tty_fd < 0 || ioctl(t->tty_fd, TIOCGWINSZ, &ws) < 0)
		return;
	ioctl(t->master, TIOCSWINSZ, &ws);
	if (t->master_err >= 0)
		ioctl(t->master_err, TIOCSWINSZ, &ws);
}

void terminal_give(struct terminal *t, int pgid)
{
	/* SIGTTOU is blocked in both of our processes, so this never stops us. */
	if (t->mode == TERMINAL_PTY)
		tcsetpgrp(t->master, pgid); /* the kernel takes it for the slave's */
	else if (t->mode == TERMINAL_SHARED && t->tty_fd >= 0 && t->foreground)
		tcsetpgrp(t->tty_fd, pgid);
}
