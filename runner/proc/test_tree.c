/* SPDX-License-Identifier: Apache-2.0 */
#include "runner/proc/test_tree.h"

#include "base/clock.h"
#include "base/mem.h"
#include "profile/proc/slow_read.h"
#include "runner/proc/command_state.h"
#include "runner/proc/context.h"
#include "runner/proc/supervisor_state.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A test's line is read after it was printed, and starts are counted in ticks of 10 ms. On a busy machine more. */
static const int64_t slack_ns[] = { 20 * NS_PER_MS, 200 * NS_PER_MS, 1000 * NS_PER_MS };
#define CMDLINE_BYTES 4096
/* Of several tests at work, so much nearer in time must a process be to its own one. */
#define APART_NS (150 * NS_PER_MS)

/* These run tests, and are none. */
static const char *const runners[] = {
	"ctest", "prove", "make", "gmake", "ninja", "meson", "cargo", "cargo-nextest", "nextest", "go", "bazel", "tox",
};

static bool is_runner(const struct member *m)
{
	for (size_t i = 0; i < sizeof(runners) / sizeof(*runners); i++)
		if (strcmp(m->st.comm, runners[i]) == 0)
			return true;
	return false;
}

struct search {
	struct supervisor *s;
	struct command *c;
	const struct running_test *test;
	int64_t start_ns, since_ns;     /* CLOCK_BOOTTIME: of the test, and what counts as begun with it */
};

static bool is_young(const struct search *q, const struct member *m)
{
	return m->pid != q->c->pid && m->st.start_ns >= q->since_ns && !is_runner(m);
}

static bool is_root(const struct search *q, const struct member *m)
{
	const struct member *parent = tree_find(&q->s->tree, m->st.ppid);

	if (m->st.state == 'Z' || m->foreign || !is_young(q, m) || (q->s->active > 1 && m->owner != q->c->serial))
		return false;
	return !parent || !is_young(q, parent);
}

/* A test at work besides this one. A file whose tests are named is none of its own, and one that is as late is ended with
 * this one. */
static bool is_other(const struct search *q, const struct running_test *r)
{
	return r->id != q->test->id && !r->container && !r->kill_stage && !test_is_as_late(q->test, r);
}

static size_t others(const struct search *q)
{
	const struct tests *t = &q->c->tests;
	size_t n = 0;

	for (size_t i = 0; i < t->n_running; i++)
		n += is_other(q, &t->running[i]);
	return n;
}

static int64_t apart(int64_t a, int64_t b) { return a > b ? a - b : b - a; }

/* Nearest to this test, and by far: every other one began at another time. */
static bool is_by_time(const struct search *q, const struct member *m)
{
	const struct tests *t = &q->c->tests;
	int64_t shift = clock_boot_ns() - clock_mono_ns(), mine = apart(m->st.start_ns, q->start_ns);

	for (size_t i = 0; i < t->n_running; i++)
		if (is_other(q, &t->running[i]) &&
		    apart(m->st.start_ns, t->running[i].start_ns + shift) < mine + APART_NS)
			return false;
	return true;
}

/* Is the last part of a test's name in the command line? */
static bool is_by_name(const struct search *q, const struct member *m)
{
	const char *name = q->test->name, *last = name;
	auto_free char *line = NULL;
	ssize_t n;

	for (const char *p = name; (p = strstr(p, "::")); p += 2)
		last = p + 2;
	n = strlen(last) < 3 ? -1 : proc_slow_read(m->pid, "cmdline", CMDLINE_BYTES, &line);
	return n > 0 && memmem(line, (size_t)n, last, strlen(last));
}

/* `go test`: the tests of a package are one process, which is older than each of them. */
static size_t find_go(const struct search *q, pid_t *root)
{
	size_t n = 0;

	for (size_t i = 0; i < q->s->tree.n; i++) {
		const struct member *m = &q->s->tree.m[i], *parent = tree_find(&q->s->tree, m->st.ppid);
		size_t len = strlen(m->st.comm);

		if (!parent || strcmp(parent->st.comm, "go") != 0 || m->st.state == 'Z')
			continue;
		if (len < 15 && (len < 5 || strcmp(m->st.comm + len - 5, ".test") != 0))
			continue;
		root[0] = m->pid;
		n++;
	}
	return n == 1 ? 1 : 0;
}

static size_t find_young(const struct search *q, pid_t *root, size_t max)
{
	size_t n_others = others(q), n = 0;

	for (size_t i = 0; i < q->s->tree.n; i++) {
		const struct member *m = &q->s->tree.m[i];

		if (!is_root(q, m) || (n_others && !is_by_time(q, m) && !is_by_name(q, m)))
			continue;
		if (n == max)
			return 0;
		root[n++] = m->pid;
	}
	return n;
}

size_t test_tree_find(struct supervisor *s, struct command *c, const struct running_test *t, pid_t *root, size_t max)
{
	struct search q = { s, c, t, t->start_ns + clock_boot_ns() - clock_mono_ns(), 0 };
	size_t n = 0;

	if (!tree_can_list(&s->tree))
		return 0;
	tree_scan(&s->tree, true, &s->hooks);
	for (size_t i = 0; !n && i < sizeof(slack_ns) / sizeof(*slack_ns); i++) {
		q.since_ns = q.start_ns - slack_ns[i];
		n = find_young(&q, root, max);
	}
	return n ? n : find_go(&q, root);
}

size_t test_tree_signal(struct supervisor *s, const pid_t *root, size_t n, int sig)
{
	auto_free bool *below = NULL;
	size_t sent = 0;

	tree_scan(&s->tree, true, &s->hooks);
	below = xcalloc(s->tree.n + 1, sizeof(*below));
	/* parents stand before their children */
	for (size_t i = 0; i < s->tree.n; i++) {
		struct member *m = &s->tree.m[i];
		const struct member *parent = tree_find(&s->tree, m->st.ppid);

		for (size_t k = 0; k < n && !below[i]; k++)
			below[i] = m->pid == root[k];
		if (parent && parent != m)
			below[i] |= below[parent - s->tree.m];
		if (!below[i] || m->st.state == 'Z')
			continue;
		sent += tree_signal_one(&s->tree, m, sig) == 0;
		if (sig != SIGKILL)
			tree_signal_one(&s->tree, m, SIGCONT);
	}
	return sent;
}
