/* SPDX-License-Identifier: Apache-2.0 */
/* waits_title.c - what a server writes into its own command line: a backend of PostgreSQL that waits for a lock says so,
 * and so does one that keeps a transaction open. Which lock it is the title does not say: the holders are possible, and
 * proved only where a single other backend may have it. */
#include "profile/waits/waits.h"
#include "profile/waits/waits_internal.h"

#include "base/str.h"

#include <string.h>

static const char *title_of(const struct snap_process *p)
{
	return p->argv.n && str_starts(p->argv.v[0], "postgres: ") ? p->argv.v[0] : NULL;
}

/* Titles are filled up with blanks. */
static bool title_ends(const char *title, const char *word)
{
	size_t n = strlen(title), w = strlen(word);

	while (n && title[n - 1] == ' ')
		n--;
	return n >= w && strncmp(title + n - w, word, w) == 0;
}

static bool may_hold(const struct snap_process *p, bool in_transaction)
{
	const char *title = title_of(p);

	if (!title || !p->alive || title_ends(title, " waiting"))
		return false;
	if (in_transaction)
		return strstr(title, "idle in transaction") != NULL;
	/* a backend names its user, database and client; the server's own helpers do not */
	return (strchr(title, '[') || strchr(title, '(')) && !title_ends(title, " idle");
}

bool waits_by_title(struct waits *w, struct snap_process *p, struct snap_thread *t)
{
	const char *title = title_of(p);

	if (!title || t->tid != p->pid || !title_ends(title, " waiting"))
		return false;
	wait_set(t, WAIT_MUTEX, "a lock of the database (%s)", title);
	for (int in_transaction = 1; in_transaction >= 0 && !t->wait.holder_count; in_transaction--)
		for (size_t i = 0; i < w->s->process_count; i++) {
			const struct snap_process *other = &w->s->processes[i];

			if (other != p && other->stat.ppid == p->stat.ppid && may_hold(other, in_transaction == 1))
				wait_holder_add(t, w->s, other->pid, other->pid, -1);
		}
	t->wait.endless = true;
	t->wait.proved = t->wait.holder_count == 1;
	return true;
}
