/* SPDX-License-Identifier: Apache-2.0 */
#include "runner/proc/unlisted.h"
#include "runner/proc/kernel.h"

#include "base/clock.h"
#include "runner/proc/command.h"
#include "runner/proc/context.h"
#include "runner/proc/supervisor_state.h"

#include <signal.h>

static bool record_once(struct supervisor *s, const char *reason, int64_t now)
{
	struct attrs a = { 0 };

	if (s->unlisted_said)
		return false;
	s->unlisted_said = true;
	attrs_init(&a, s->run->trace);
	attrs_word(&a, "reason", reason);
	trace_checkpoint(s->run->trace, s->run->dispatch_span, CP_TREE_UNLISTED, now, &a);
	attrs_release(&a);
	return true;
}

static void say_once(struct supervisor *s, int64_t now)
{
	static const char reason[] = "/proc is not mounted, or is that of another PID namespace";

	if (!record_once(s, reason, now))
		return;
	say_always(s->run, "processes cannot be listed here (%s): the tree is ended by number, and what it does "
		   "cannot be told", reason);
}

void unlisted_group(struct supervisor *s, int64_t now)
{
	if (record_once(s, "only the process group of the command is contained", now))
		say_always(s->run, "only the process group of the command is ended (--contain group): a process that has "
			   "left it, such as a daemon after setsid, is not known here and may still run");
}

size_t unlisted_signal(struct supervisor *s, uint32_t owner, int sig)
{
	size_t sent = 0;

	say_once(s, clock_mono_ns());
	each_command(s, c) {
		pid_t pid = command_pid(c);
		bool got;

		if (pid <= 1 || (owner && command_serial(c) != owner))
			continue;
		got = kernel_kill(-pid, sig) == 0;
		if (command_is_running(c)) /* else its number may be another's by now */
			got |= kernel_kill(pid, sig) == 0;
		if (sig == SIGTERM)
			kernel_kill(-pid, SIGCONT);
		sent += got;
	}
	return sent;
}

void unlisted_kill(struct supervisor *s, uint32_t owner, int64_t until_ns)
{
	unlisted_signal(s, owner, SIGKILL);
	if (owner || s->run->contain == CONTAIN_GROUP)
		return;
	/* younger than the command, mostly: the search begins there */
	kin_kill_unseen(&s->tree.kin, atomic_load(&s->run->shared->command_pid), s->takeover, until_ns);
	supervisor_reap(s, clock_mono_ns());
}
