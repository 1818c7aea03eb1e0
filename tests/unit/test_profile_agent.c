/* SPDX-License-Identifier: Apache-2.0 */
/* Looking for another process: the copy as bytes and back, an agent that copies and stops, verdicts of two looks; and
 * what looking must not do: blocked threads are not disturbed, calls that a stop would end early go on, and no thread
 * is left stopped when the one that looks is killed.
 * LOOK_CAPTURES, LOOK_KILLS, LOOK_THREADS: how many (300, 60, 400); 10000, 1000, 10000 for the full proof. */
#include "profile/snapshot/agent.h"

#include "base/clock.h"
#include "base/fd.h"
#include "base/mem.h"
#include "profile/collector.h"
#include "tests/tap.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/sem.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

struct animal {
	pid_t pid;
	int out;
};

/* The zoo's `looked`, with its output in a pipe. */
static struct animal looked(const char *what, const char *more)
{
	const char *build = getenv("TEST_BUILD");
	auto_free char *path = xasprintf("%s/tests/zoo/looked", build ? build : ".artifacts/build");
	struct animal a = { 0, -1 };
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) < 0 || (a.pid = fork()) < 0)
		return a;
	if (a.pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		dup2(ends[1], STDOUT_FILENO);
		execl(path, "looked", what, more, (char *)NULL);
		_exit(127);
	}
	close(ends[1]);
	a.out = ends[0];
	return a;
}

static void animal_end(struct animal *a)
{
	if (a->pid > 0) {
		kill(a->pid, SIGKILL);
		waitpid(a->pid, NULL, 0);
	}
	fd_close(&a->out);
}

static size_t animal_says(struct animal *a, char *buf, size_t size, int wait_ms)
{
	struct pollfd p = { .fd = a->out, .events = POLLIN };
	ssize_t n = poll(&p, 1, wait_ms) > 0 ? read(a->out, buf, size - 1) : 0;

	buf[n > 0 ? n : 0] = '\0';
	return n > 0 ? (size_t)n : 0;
}

/* Until it has so many threads, the last of them in this state. */
static bool animal_ready(const struct animal *a, size_t threads, char state)
{
	for (int i = 0; i < 3000; i++) {
		auto_pid_list tids = PID_LIST_INIT;
		struct proc_stat st;
		bool good = proc_threads(a->pid, &tids) == 0 && tids.n == threads;

		for (size_t k = threads > 1; good && k < tids.n; k++)
			good = proc_thread_stat_read(a->pid, tids.v[k], &st) == 0 && st.state == state;
		if (good)
			return true;
		usleep(5000);
	}
	return false;
}

static void capture(struct snapshot *s, pid_t pid, enum intrusion most)
{
	struct snapshot_options o = { .deadline_ns = clock_mono_ns() + 10 * NS_PER_S, .intrusion = most };
	auto_pid_list pids = PID_LIST_INIT;

	proc_tree(pid, &pids);
	snapshot_capture(s, pids.v, pids.n, &o);
}

static bool same_copies(const struct snapshot *a, const struct snapshot *b)
{
	if (a->process_count != b->process_count || a->root != b->root || a->collector_count != b->collector_count)
		return false;
	for (size_t i = 0; i < a->process_count; i++) {
		const struct snap_process *p = &a->processes[i], *q = &b->processes[i];

		if (p->pid != q->pid || p->stat.start_ticks != q->stat.start_ticks || strcmp(p->stat.comm, q->stat.comm) != 0 ||
		    p->argv.n != q->argv.n || strcmp(p->exe, q->exe) != 0 || p->maps.n != q->maps.n ||
		    p->thread_count != q->thread_count || p->alive != q->alive)
			return false;
		for (size_t k = 0; k < p->maps.n; k++)
			if (p->maps.v[k].start != q->maps.v[k].start || strcmp(p->maps.v[k].path, q->maps.v[k].path) != 0)
				return false;
		for (size_t k = 0; k < p->thread_count; k++) {
			const struct snap_thread *t = &p->threads[k], *u = &q->threads[k];

			if (t->tid != u->tid || t->state != u->state || t->stack_size != u->stack_size ||
			    t->syscall.nr != u->syscall.nr || t->regs.pc != u->regs.pc || t->voluntary != u->voluntary ||
			    (t->stack_size && memcmp(t->stack, u->stack, t->stack_size) != 0))
				return false;
		}
	}
	return true;
}

static void copy_as_bytes(void)
{
	struct animal a = looked("blocked", NULL);
	auto_close int fd = memfd_create("copy", MFD_CLOEXEC);
	struct snapshot s, loaded;
	struct err e = { 0 };
	size_t refused = 0, tried = 0;
	unsigned char *bytes;
	struct stat st;

	ok(animal_ready(&a, 2, 'S'), "a blocked program");
	capture(&s, a.pid, INTRUSION_READ);
	ok(snapshot_save(&s, fd) == 0 && fstat(fd, &st) == 0, "a copy becomes bytes");
	bytes = xmalloc((size_t)st.st_size + 1);
	is_int(pread(fd, bytes, (size_t)st.st_size, 0), st.st_size, "all of them");
	if (ok(snapshot_load(&loaded, bytes, (size_t)st.st_size, &e) == 0, "and is read again: %s", e.msg)) {
		ok(same_copies(&s, &loaded), "the same processes, maps, threads and stacks");
		snapshot_release(&loaded);
	}
	for (size_t n = 0; n < (size_t)st.st_size; n += n < 2000 ? 1 : 997, tried++)
		refused += snapshot_load(&loaded, bytes, n, &e) < 0;
	is_int(refused, tried, "cut off anywhere it is refused");
	bytes[8]++;
	ok(snapshot_load(&loaded, bytes, (size_t)st.st_size, &e) < 0 && strstr(e.msg, "another version"), "of another version: %s", e.msg);
	free(bytes);
	snapshot_release(&s);
	animal_end(&a);
}

static void *serve(void *arg)
{
	agent_serve(arg);
	shutdown(((struct agent_task *)arg)->sock, SHUT_RDWR);
	return NULL;
}

static void note(void *ctx, const char *text, size_t n)
{
	snprintf(ctx, 100, "%s|%.*s", text, (int)(n - strlen(text) - 1), text + strlen(text) + 1);
}

/* While the thread is held, its state and what it counts stand still. */
struct held {
	pid_t pid, tid;
	bool stands;
};

static void look_at_held(void *arg)
{
	struct held *h = arg;
	struct proc_stat st;

	h->stands = proc_thread_stat_read(h->pid, h->tid, &st) == 0 && st.state == 't';
}

static void agent_stops(struct agent *ag, struct snapshot *s)
{
	struct snap_process *p = &s->processes[0], foreign = { .pid = getpid(), .peek = { .mem_fd = -1, .agent = ag } };
	struct snap_thread *t = &p->threads[p->thread_count - 1], me = { .tid = getpid() };
	struct held h = { .pid = p->pid, .tid = t->tid };
	struct stop_also also = { look_at_held, &h };
	int64_t frozen = 0;
	struct proc_stat st;
	int tries = 0, failed;

	do /* on a crowded machine it may get no CPU to stop on */
		failed = thread_stop_copy(p, t, 65536, &also, &frozen);
	while (failed && errno == ETIME && ++tries < 20);
	ok(!failed, "a thread is stopped on request: %s", failed ? strerror(errno) : "");
	ok(h.stands, "it stands while it is held");
	ok(t->stack_size > 0 && t->regs.pc && frozen > 0, "registers and stack come with it");
	ok(proc_thread_stat_read(p->pid, t->tid, &st) == 0 && st.state != 't' && st.state != 'T', "and goes on");
	ok(thread_stop_copy(&foreign, &me, 65536, NULL, &frozen) < 0 && errno == ESRCH, "what was not copied is not stopped");
}

static void agent_and_helper(void)
{
	struct animal a = looked("busy", NULL);
	char noted[100] = "";
	uint64_t word;
	int ends[2];
	struct agent_task task = { .roots = &a.pid, .root_count = 1, .deadline_ns = clock_mono_ns() + 20 * NS_PER_S,
				   .intrusion = INTRUSION_MICRO_STOP, .record = note, .ctx = noted };
	struct snapshot s, again;
	struct err e = { 0 };
	struct agent *ag;
	pthread_t thread;
	int64_t began;

	ok(animal_ready(&a, 2, 'R'), "a busy program");
	socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends);
	task.sock = ends[0];
	pthread_create(&thread, NULL, serve, &task);
	ag = agent_open(ends[1]);
	if (ok(agent_receive(ag, &s, task.deadline_ns, &e) == 0, "a copy is handed over: %s", e.msg)) {
		is_int(s.process_count, 1, "of the process");
		ok(s.processes[0].peek.mem_fd >= 0 && peek_u64(&s.processes[0].peek, s.processes[0].maps.v[0].start, &word),
		   "with its memory");
		agent_stops(ag, &s);
		began = clock_mono_ns();
		agent_record(ag, "a.name\0\"k\":1", 12);
		ok(agent_again(ag, began + 50 * NS_PER_MS) == 0 && agent_receive(ag, &again, task.deadline_ns, &e) == 0,
		   "another copy later: %s", e.msg);
		ok(again.at_mono_ns >= began + 50 * NS_PER_MS, "not before its time");
		is_str(noted, "a.name|\"k\":1", "what is to be recorded arrives");
		ok(snapshot_unsettled(&s, NS_PER_S, true), "one look at a busy thread does not tell");
		snapshot_release(&again);
		snapshot_release(&s);
	}
	agent_close(ag);
	ok(pthread_join(thread, NULL) == 0, "the agent ends with its helper");
	close(ends[0]);
	animal_end(&a);
}

static void verdicts(void)
{
	struct snap_frame frame = { .language = "native", .function = (char *)"work", .file = (char *)"a.c", .line = 1, .pc = 1 };
	struct snap_thread was[3], now[3];
	struct snap_process p = { .pid = 7, .stat = { .pid = 7, .start_ticks = 5 }, .alive = true, .threads = was, .thread_count = 3 };
	struct snap_process q = p;
	struct snapshot first = { .processes = &p, .process_count = 1 }, later = { .processes = &q, .process_count = 1, .at_mono_ns = NS_PER_S };

	for (int i = 0; i < 3; i++)
		was[i] = (struct snap_thread){ .tid = 7 + i, .state = 'S', .run_ns = 0, .since_ns = 10, .frames = &frame, .frame_count = 1 };
	was[2].state = 'R';
	memcpy(now, was, sizeof(was));
	q.threads = now;
	now[1].switches = now[1].voluntary = 10;
	now[1].run_ns = 1000;
	now[2].run_ns = 900 * NS_PER_MS;
	ok(snapshot_unsettled(&first, NS_PER_S, false), "who ran a moment ago may run again");
	snapshot_compare(&first, &later, NS_PER_S);
	is_str(verdict_text[was[0].verdict], "stuck", "no CPU, the same stack");
	is_str(verdict_text[was[1].verdict], "slow", "it woke ten times");
	is_str(verdict_text[was[2].verdict], "spinning", "all of the CPU, in one function");
	is_int(was[1].switches_delta, 10, "context switches between the two");
	is_str(verdict_text[p.verdict], "spinning", "the process is as its liveliest thread");
	was[0].verdict = VERDICT_NONE;
	was[0].since_ns = 2 * NS_PER_S;
	p.thread_count = 1;
	ok(!snapshot_unsettled(&first, NS_PER_S, false), "two seconds off the CPU need no second look");
	snapshot_compare(&first, NULL, NS_PER_S);
	is_str(verdict_text[was[0].verdict], "stuck", "to be called stuck");
}

static int count_of(const char *name, int otherwise)
{
	const char *v = getenv(name);

	return v ? atoi(v) : otherwise;
}

static void blocked_are_not_disturbed(void)
{
	struct animal a = looked("many", "20");
	struct proc_status before[21], after;
	auto_pid_list tids = PID_LIST_INIT;
	int changed = 0, copied = 0, traced = 0;
	char text[100];

	animal_says(&a, text, sizeof(text), 5000);
	ok(animal_ready(&a, 21, 'S'), "20 blocked threads and one that pauses");
	proc_threads(a.pid, &tids);
	usleep(20000);
	for (size_t i = 0; i < tids.n && i < 21; i++)
		proc_status_read(a.pid, tids.v[i], &before[i]);
	for (int i = 0; i < 50; i++) {
		struct snapshot s;

		capture(&s, a.pid, INTRUSION_READ);
		for (size_t k = 0; s.process_count && k < s.processes[0].thread_count; k++)
			copied += s.processes[0].threads[k].stack_size > 0 && s.processes[0].threads[k].intrusion == INTRUSION_READ;
		snapshot_release(&s);
	}
	for (size_t i = 0; i < tids.n && i < 21; i++) {
		proc_status_read(a.pid, tids.v[i], &after);
		changed += after.voluntary != before[i].voluntary || after.involuntary != before[i].involuntary;
		traced += after.tracer_pid != 0;
	}
	is_int(copied, 50 * 21, "each of 50 looks copies each of the stacks without a stop");
	is_int(changed, 0, "no context switch of theirs comes of it");
	is_int(traced, 0, "nobody traces them");
	animal_end(&a);
}

static void calls_go_on(void)
{
	struct animal a = looked("restart", NULL);
	int looks = count_of("LOOK_CAPTURES", 300), set = -1, copied = 0;
	char text[4096];

	animal_says(&a, text, sizeof(text), 5000);
	ok(sscanf(text, "ready %d", &set) == 1, "epoll_wait, semtimedop, sigtimedwait, recv with SO_RCVTIMEO, io_getevents");
	for (int i = 0; i < looks; i++) {
		struct snapshot s;

		capture(&s, a.pid, INTRUSION_READ);
		copied += s.process_count && s.processes[0].threads[0].stack_size;
		snapshot_release(&s);
		usleep(300);
	}
	ok(copied > looks / 2, "%d looks of level 0, %d of them with a copy of the stack", looks, copied);
	is_int(animal_says(&a, text, sizeof(text), 200), 0, "none of its calls ended before its time");
	if (*text)
		printf("# %s", text);
	animal_end(&a);
	if (set >= 0)
		semctl(set, 0, IPC_RMID);
}

static bool runs_free(pid_t pid)
{
	for (int i = 0; i < 200; i++) {
		auto_pid_list tids = PID_LIST_INIT;
		bool free_all = proc_threads(pid, &tids) == 0;

		for (size_t k = 0; k < tids.n; k++) {
			struct proc_status st;
			struct proc_stat stat;

			if (proc_status_read(pid, tids.v[k], &st) == 0 && proc_thread_stat_read(pid, tids.v[k], &stat) == 0)
				free_all = free_all && !st.tracer_pid && stat.state != 't' && stat.state != 'T';
		}
		if (free_all)
			return true;
		usleep(1000);
	}
	return false;
}

/* One that stops a busy thread without end, killed at a random instant. */
static void killed_while_it_stops(void)
{
	struct animal a = looked("busy", NULL);
	int kills = count_of("LOOK_KILLS", 60), left = 0;
	unsigned seed = (unsigned)clock_mono_ns();

	ok(animal_ready(&a, 2, 'R'), "a busy program");
	for (int i = 0; i < kills; i++) {
		pid_t looker = fork();

		if (looker == 0) {
			for (;;) {
				struct snapshot s;

				capture(&s, a.pid, INTRUSION_MICRO_STOP);
				snapshot_release(&s);
			}
		}
		usleep(500 + (useconds_t)rand_r(&seed) % 4000);
		kill(looker, SIGKILL);
		waitpid(looker, NULL, 0);
		left += !runs_free(a.pid);
	}
	is_int(left, 0, "killed %d times while it looked: never was a thread left stopped or traced", kills);
	animal_end(&a);
}

static void comes_and_goes(void)
{
	struct animal a = looked("exits", NULL);
	int64_t until = clock_mono_ns() + NS_PER_S;
	int looks = 0, empty = 0;

	while (clock_mono_ns() < until) {
		struct snapshot s;

		capture(&s, a.pid, INTRUSION_MICRO_STOP);
		empty += !s.process_count;
		snapshot_release(&s);
		looks++;
	}
	ok(looks > 3 && empty < looks, "%d looks at threads and children that come and go", looks);
	ok(runs_free(a.pid), "nothing of it is left stopped");
	animal_end(&a);
}

static void very_many(void)
{
	auto_free char *n = xasprintf("%d", count_of("LOOK_THREADS", 400));
	struct animal a = looked("many", n);
	struct snapshot_options o = { .intrusion = INTRUSION_MICRO_STOP };
	size_t copied = 0, late = 0, bytes = 0;
	struct snapshot s;
	char text[100];
	int64_t began;

	animal_says(&a, text, sizeof(text), 20000);
	usleep(100000);
	began = clock_mono_ns();
	o.deadline_ns = began + 2 * NS_PER_S;
	snapshot_capture(&s, &a.pid, 1, &o);
	for (size_t k = 0; s.process_count && k < s.processes[0].thread_count; k++) {
		copied += s.processes[0].threads[k].stack_size > 0;
		late += s.processes[0].threads[k].status == COLLECT_TIMED_OUT;
		bytes += s.processes[0].threads[k].stack_size;
	}
	printf("# %.*s: %zu copied in %.0f ms, %zu KiB, %zu too late\n", (int)strcspn(text, "\n"), text, copied, (double)(clock_mono_ns() - began) / 1e6, bytes / 1024, late);
	ok(copied + late > (size_t)atoi(n) * 9 / 10 && copied, "%s threads: copied, or left out and said", n);
	ok(clock_mono_ns() - began < 4 * NS_PER_S, "within the deadline");
	ok(bytes <= 160u << 20, "and within the memory that is allowed");
	snapshot_release(&s);
	animal_end(&a);
}

int main(void)
{
	copy_as_bytes();
	agent_and_helper();
	verdicts();
	blocked_are_not_disturbed();
	calls_go_on();
	killed_while_it_stops();
	comes_and_goes();
	very_many();
	return tap_done();
}
