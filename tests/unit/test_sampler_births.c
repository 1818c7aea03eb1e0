/* SPDX-License-Identifier: Apache-2.0 */
/* test_sampler_births.c - CPU time of children that end between two looks, with a /proc made of a table: nothing is
 * counted twice, and what a parent's count tells is given to its children. */
#include "profile/sample/sampler.h"

#include <errno.h>

struct fake {
	pid_t pid, ppid;
	const char *comm;
	bool lives;
	int64_t children_ns; /* of those that have ended and were waited for */
};
static struct fake procs[16];
static size_t proc_n;
static void (*on_list)(pid_t parent); /* right after a list of children was read; NULL */

static struct fake *fake_of(pid_t pid)
{
	for (size_t i = 0; i < proc_n; i++)
		if (procs[i].pid == pid && procs[i].lives)
			return &procs[i];
	errno = ESRCH;
	return NULL;
}

static int fake_stat(pid_t pid, struct proc_stat *st)
{
	const struct fake *f = fake_of(pid);

	*st = (struct proc_stat){ 0 };
	if (!f)
		return -1;
	*st = (struct proc_stat){ .pid = f->pid, .ppid = f->ppid, .state = 'S', .num_threads = 1,
				  .children_user_ns = f->children_ns };
	snprintf(st->comm, sizeof(st->comm), "%s", f->comm);
	return 0;
}

static int fake_open(struct proc_watch *w, pid_t pid)
{
	*w = (struct proc_watch){ .pid = pid, .dir_fd = -1, .stat_fd = -1, .sched_fd = -1, .children_fd = -1 };
	return fake_of(pid) ? 0 : -1;
}

static int fake_children(struct proc_watch *w, int threads, struct pid_list *out)
{
	(void)threads;
	if (!fake_of(w->pid))
		return -1;
	for (size_t i = 0; i < proc_n; i++)
		if (procs[i].ppid == w->pid && procs[i].lives)
			pid_list_add(out, procs[i].pid);
	if (on_list)
		on_list(w->pid);
	return 0;
}

static int fake_watch_stat(const struct proc_watch *w, struct proc_stat *st)
{
	return fake_stat(w->pid, st);
}

#define proc_stat_read fake_stat
#define proc_watch_open fake_open
#define proc_watch_children fake_children
#define proc_watch_stat fake_watch_stat
#include "profile/sample/births.c"
#undef proc_stat_read

#include "tests/tap.h"

#define MS NS_PER_MS
enum { ROOT = 4194301, SHELL, SECOND_SHELL, LONG_CHILD, SHORT_CHILD, THIRD_CHILD };

static struct sampler s;
static int64_t now;

static void begin(void)
{
	struct err e;

	memset(&s, 0, sizeof(s));
	memset(procs, 0, sizeof(procs));
	proc_n = 0;
	on_list = NULL;
	now = s.start_ns = clock_mono_ns();
	s.engine = &sampler_stop;
	s.root = ROOT;
	book_open(&s.book, NULL, now, 1 << 20, NULL, &e);
}

static void end(void)
{
	while (s.first)
		sproc_end(&s, s.first, now);
	births_free(s.root_births);
	book_release(&s.book);
}

static void starts(pid_t pid, pid_t ppid, const char *comm)
{
	procs[proc_n++] = (struct fake){ .pid = pid, .ppid = ppid, .comm = comm, .lives = true };
}

/* It ends and is waited for: its parent's count has it, with its children. */
static void ends(pid_t pid, int64_t own_ns)
{
	struct fake *f = fake_of(pid), *parent = fake_of(f->ppid);

	f->lives = false;
	if (parent)
		parent->children_ns += own_ns + f->children_ns;
}

static void births_look(int64_t after_ms)
{
	now += after_ms * MS;
	sampler_births(&s, now);
}

/* A look has seen that its thread ran so long. */
static void seen(pid_t pid, int64_t run_ns)
{
	struct sproc *p = sproc_find(&s, pid);
	struct sthread *t = p ? sthread_find(p, pid) : NULL;

	if (!ok(t != NULL, "%d is known", (int)pid))
		return;
	t->looked = true;
	t->run_ns = run_ns;
	t->looked_ns = now;
}

static int64_t counted_ms(pid_t pid)
{
	int64_t sum = 0;

	for (uint32_t i = 0; i < s.book.thread_count; i++)
		if ((!pid || s.book.threads[i].pid == pid) && s.book.threads[i].cpu_ns > 0)
			sum += s.book.threads[i].cpu_ns;
	return sum / MS;
}

static void shell_and_long_child(void)
{
	begin();
	starts(ROOT, 1, "spec-runner");
	starts(SHELL, ROOT, "bash");
	births_look(0);
	starts(LONG_CHILD, SHELL, "split");
	births_look(8);
	seen(LONG_CHILD, 390 * MS);
}

static void test_unseen_end(void)
{
	shell_and_long_child();
	ends(LONG_CHILD, 400 * MS);
	births_look(20);
	is_int(counted_ms(LONG_CHILD), 400, "what a child ran after its last look is its own");
	end();
}

static void test_two_at_once(void)
{
	shell_and_long_child();
	starts(SHORT_CHILD, SHELL, "split");
	births_look(8);
	seen(SHORT_CHILD, 5 * MS);
	ends(LONG_CHILD, 400 * MS);
	ends(SHORT_CHILD, 12 * MS);
	births_look(20);
	is_int(counted_ms(0), 412, "two that end between the same looks are counted once each");
	end();
}

static void one_ends_late(pid_t parent)
{
	if (parent == SHELL && fake_of(SHORT_CHILD))
		ends(SHORT_CHILD, 12 * MS);
}

static void test_ends_after_list(void)
{
	shell_and_long_child();
	starts(SHORT_CHILD, SHELL, "split");
	births_look(8);
	seen(SHORT_CHILD, 10 * MS);
	ends(LONG_CHILD, 400 * MS);
	on_list = one_ends_late;
	births_look(20);
	on_list = NULL;
	is_int(counted_ms(LONG_CHILD), 400, "one that ends right after the list is not given to another");
	births_look(8);
	is_int(counted_ms(0), 412, "but to itself");
	end();
}

static void test_never_seen(void)
{
	shell_and_long_child();
	starts(SHORT_CHILD, SHELL, "split");
	ends(SHORT_CHILD, 12 * MS); /* before any look */
	ends(LONG_CHILD, 400 * MS);
	births_look(20);
	is_int(counted_ms(0), 412, "one that was never seen is counted with its like");
	end();
}

/* Of the shell below another nobody has seen all children: its parent's count has them. */
static void test_below_another_shell(void)
{
	shell_and_long_child();
	starts(SECOND_SHELL, SHELL, "bash");
	births_look(8);
	starts(SHORT_CHILD, SECOND_SHELL, "split");
	sthread_add(&s, sproc_add(&s, SHORT_CHILD, SECOND_SHELL, now), SHORT_CHILD, now); /* a scan of the whole tree */
	births_look(8);
	seen(SHORT_CHILD, 4 * MS);
	ends(LONG_CHILD, 400 * MS);
	ends(SHORT_CHILD, 12 * MS);
	starts(THIRD_CHILD, SECOND_SHELL, "split");
	ends(THIRD_CHILD, 12 * MS);
	ends(SECOND_SHELL, 3 * MS);
	births_look(30);
	sproc_find(&s, SHORT_CHILD)->gone_ns = now; /* the next scan, for its parent is gone */
	births_gone(&s, 0, now);
	is_int(counted_ms(0), 427, "all that ran below it is counted once");
	end();
}

static void test_helpers_of_root(void)
{
	begin();
	starts(ROOT, 1, "spec-runner");
	starts(SHELL, ROOT, "bash");
	births_look(0);
	seen(SHELL, 20 * MS);
	starts(THIRD_CHILD, ROOT, "helper");
	ends(THIRD_CHILD, 139 * MS); /* one of the supervisor's own */
	ends(SHELL, 30 * MS);
	births_look(200);
	is_int(counted_ms(0), 0, "a command that has ended waits for the supervisor's word");
	sproc_find(&s, SHELL)->told = true;
	sproc_find(&s, SHELL)->told_ns = 30 * MS;
	births_look(8);
	is_int(counted_ms(SHELL), 30, "and has what that tells: not what helpers used");
	end();
}

static void test_no_word(void)
{
	begin();
	starts(ROOT, 1, "spec-runner");
	starts(SHELL, ROOT, "bash");
	births_look(0);
	seen(SHELL, 20 * MS);
	ends(SHELL, 30 * MS);
	births_look(10);
	births_look(600);
	is_int(counted_ms(SHELL), 20, "without it, what was seen, and no more");
	ok(!sproc_find(&s, SHELL), "and is over");
	end();
}

int main(void)
{
	test_unseen_end();
	test_two_at_once();
	test_ends_after_list();
	test_never_seen();
	test_below_another_shell();
	test_helpers_of_root();
	test_no_word();
	return tap_done();
}
