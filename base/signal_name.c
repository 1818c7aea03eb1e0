/* SPDX-License-Identifier: Apache-2.0 */
#include "base/signal_name.h"

#include <signal.h>
#include <stddef.h>

#define NAMED(name, text) [SIG##name] = { #name, text }

static const struct {
	const char *abbrev, *text;
} names[] = {
	NAMED(HUP, "Hangup"),
	NAMED(INT, "Interrupt"),
	NAMED(QUIT, "Quit"),
	NAMED(ILL, "Illegal instruction"),
	NAMED(TRAP, "Trace/breakpoint trap"),
	NAMED(ABRT, "Aborted"),
	NAMED(BUS, "Bus error"),
	NAMED(FPE, "Floating point exception"),
	NAMED(KILL, "Killed"),
	NAMED(USR1, "User defined signal 1"),
	NAMED(SEGV, "Segmentation fault"),
	NAMED(USR2, "User defined signal 2"),
	NAMED(PIPE, "Broken pipe"),
	NAMED(ALRM, "Alarm clock"),
	NAMED(TERM, "Terminated"),
	NAMED(STKFLT, "Stack fault"),
	NAMED(CHLD, "Child exited"),
	NAMED(CONT, "Continued"),
	NAMED(STOP, "Stopped (signal)"),
	NAMED(TSTP, "Stopped"),
	NAMED(TTIN, "Stopped (tty input)"),
	NAMED(TTOU, "Stopped (tty output)"),
	NAMED(URG, "Urgent I/O condition"),
	NAMED(XCPU, "CPU time limit exceeded"),
	NAMED(XFSZ, "File size limit exceeded"),
	NAMED(VTALRM, "Virtual timer expired"),
	NAMED(PROF, "Profiling timer expired"),
	NAMED(WINCH, "Window changed"),
	NAMED(POLL, "I/O possible"),
	NAMED(PWR, "Power failure"),
	NAMED(SYS, "Bad system call"),
};

const char *signal_abbrev(int sig)
{
	if (sig <= 0 || (size_t)sig >= sizeof(names) / sizeof(*names))
		return NULL;
	return names[sig].abbrev; // cppcheck-suppress arrayIndexOutOfBoundsCond ; the line above compares with its size
}

const char *signal_text(int sig)
{
	return signal_abbrev(sig) ? names[sig].text : "Unknown signal";
}
