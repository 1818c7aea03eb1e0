/* SPDX-License-Identifier: Apache-2.0 */
#include "runner/proc/thaw.h"

#include "profile/proc/freezer.h"
#include "runner/proc/command_state.h"
#include "runner/proc/supervisor_state.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

/* A look at each member's cgroup takes a few system calls. */
enum { THAW_MEMBERS_MAX = 2000, THAW_FOLDERS_MAX = 8 };

static bool is_member(void *ctx, pid_t pid)
{
	struct supervisor *s = ctx;
	const struct member *m = tree_find(&s->tree, pid);

	return m && !tree_spares(&s->tree, m);
}

static void tell(struct supervisor *s, struct command *c, const struct member *m, const char *dir, int thawed, int64_t now)
{
	auto_attrs a = { 0 };

	attrs_init(&a, s->run->trace);
	attrs_int(&a, "pid", m->pid);
	attrs_str(&a, "comm", m->st.comm);
	attrs_str(&a, "cgroup", dir);
	attrs_bool(&a, "thawed", thawed > 0);
	trace_checkpoint(s->run->trace, c->wait_span, CP_PROCESS_FROZEN, now, &a);
	if (thawed > 0)
		say(s->run, "%s (pid %d) is frozen by its cgroup %s: thawed, so that it can end",
		    say_comm(s->run, m->st.comm),
		    (int)m->pid, dir);
	else
		say(s->run, "%s (pid %d) is frozen by its cgroup %s, which is not ours to thaw",
		    say_comm(s->run, m->st.comm),
		    (int)m->pid, dir);
}

void thaw_members(struct supervisor *s, struct command *c, uint32_t owner, int64_t now)
{
	static char done[THAW_FOLDERS_MAX][PATH_MAX];
	size_t n_done = 0;

	for (size_t i = 0; i < s->tree.n && i < THAW_MEMBERS_MAX && n_done < THAW_FOLDERS_MAX; i++) {
		struct member *m = &s->tree.m[i];
		char dir[PATH_MAX];
		bool known = false;

		if (m->frozen || m->st.state == 'Z' || m->st.state == 'R' || (owner && m->owner != owner) ||
		    tree_spares(&s->tree, m) || !freezer_holds(m->pid, dir, sizeof(dir)))
			continue;
		m->frozen = true;
		for (size_t k = 0; k < n_done; k++)
			known |= strcmp(done[k], dir) == 0;
		if (known)
			continue;
		snprintf(done[n_done++], PATH_MAX, "%s", dir);
		tell(s, c, m, dir, freezer_thaw(dir, is_member, s), now);
	}
}
