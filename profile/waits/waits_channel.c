/* SPDX-License-Identifier: Apache-2.0 */
/* waits_channel.c - /proc/PID/wchan names the kernel's function in which a thread sleeps. Everybody may read it who may
 * read /proc/PID/maps, also where Yama keeps the system call from us. It gives the kind, never an argument. */
#include "profile/waits/waits.h"
#include "profile/waits/waits_internal.h"
#include "trace/wait_channel.h"

void waits_by_channel(struct snap_thread *t)
{
	const struct wait_channel *c = wait_channel_find(t->wchan);

	if (c)
		wait_set(t, c->kind, "%s (in the kernel's %s)", c->what, t->wchan);
	else
		wait_set(t, WAIT_UNKNOWN, "%s", t->wchan[0] ? t->wchan : "not to be seen");
}
