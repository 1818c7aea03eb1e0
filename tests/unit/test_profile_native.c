/* SPDX-License-Identifier: Apache-2.0 */
/* Looking into real programs: names, stacks with and without a stop, and that nobody is hurt by it. */
#include "profile/lang/language.h"
#include "profile/waits/waits.h"

#include "base/clock.h"
#include "base/mem.h"
#include "tests/tap.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/wait.h>
#include <unistd.h>

int zoo_innermost(int fd);
int zoo_outer(int fd);
void zoo_spin(void);
static int ready[2];

__attribute__((noinline)) int zoo_innermost(int fd)
{
	char byte;
	ssize_t n = read(fd, &byte, 1);

	return (int)n + 1;
}

__attribute__((noinline)) int zoo_outer(int fd)
{
	return zoo_innermost(fd) + 1;
}

__attribute__((noinline)) void zoo_spin(void)
{
	static volatile unsigned long n;

	for (;;)
		n = n + 1;
}

static pid_t child_of(void (*run)(void))
{
	pid_t pid = fork();

	if (pid == 0) {
		alarm(60);
		run();
		_exit(0);
	}
	return pid;
}

static void child_end(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static void child_reads(void)
{
	int never[2];

	if (pipe(never) == 0)
		_exit(zoo_outer(never[0]));
}

static void look(struct snapshot *s, pid_t pid, enum intrusion allowed)
{
	int64_t deadline = clock_mono_ns() + 10 * NS_PER_S;
	struct snapshot_options o = { .deadline_ns = deadline, .intrusion = allowed };
	struct resolve_options ro = { .deadline_ns = deadline, .intrusion = allowed, .lines = true };

	snapshot_capture(s, &pid, 1, &o);
	snapshot_resolve(s, &ro);
	waits_resolve(s);
	graph_resolve(s);
}

/* Number of the frame of that name in the first thread, or -1. */
static int frame_of(const struct snapshot *s, const char *function)
{
	if (!s->process_count || !s->processes[0].thread_count)
		return -1;
	for (size_t i = 0; i < s->processes[0].threads[0].frame_count; i++) {
		const char *have = s->processes[0].threads[0].frames[i].function;

		if (have && strcmp(have, function) == 0)
			return (int)i;
	}
	return -1;
}

static bool blocked(pid_t pid)
{
	struct proc_syscall sc;

	for (int i = 0; i < 500; i++, usleep(10000))
		if (proc_syscall_read(pid, pid, &sc) == 0 && !sc.running && sc.nr >= 0)
			return true;
	return false;
}

static void blocked_without_a_stop(void)
{
	struct proc_status before, after;
	pid_t pid = child_of(child_reads);
	struct snapshot s;

	ok(blocked(pid), "a child that reads a pipe");
	proc_status_read(pid, pid, &before);
	for (int i = 0; i < 20; i++) {
		look(&s, pid, INTRUSION_READ);
		if (i < 19)
			snapshot_release(&s);
	}
	proc_status_read(pid, pid, &after);
	ok(before.voluntary == after.voluntary && before.involuntary == after.involuntary,
	   "20 looks did not make it run once");
	is_int(s.processes[0].threads[0].intrusion, INTRUSION_READ, "nor was it stopped");
	ok(s.processes[0].threads[0].frame_count > 0, "it has a stack");
	ok(!s.processes[0].threads[0].truncated || s.processes[0].threads[0].status == COLLECT_PARTIAL,
	   "and where that takes registers that only a stop shows, it says so");
	is_str(wait_kind_text[s.processes[0].threads[0].wait.kind], "pipe_read", "what it waits for");
	snapshot_release(&s);
	look(&s, pid, INTRUSION_MICRO_STOP);
	ok(frame_of(&s, "zoo_innermost") > 0 && frame_of(&s, "zoo_outer") > frame_of(&s, "zoo_innermost"),
	   "with one, its functions are there, in their order");
	ok(!s.processes[0].threads[0].truncated && frame_of(&s, "_start") > 0, "down to where it began");
	is_int(s.processes[0].threads[0].status, COLLECT_OK, "and nothing is missing");
	snapshot_release(&s);
	child_end(pid);
}

static void running_with_a_stop(void)
{
	pid_t pid = child_of(zoo_spin);
	struct proc_status st;
	struct snapshot s;

	usleep(50000);
	look(&s, pid, INTRUSION_READ);
	is_str(collect_status_text[s.processes[0].threads[0].status], "partial", "a running thread has no stack at level 0");
	ok(s.processes[0].threads[0].reason != NULL, "and the reason is said");
	snapshot_release(&s);
	look(&s, pid, INTRUSION_MICRO_STOP);
	/* On a crowded machine it may get no CPU to come to its stop in time. */
	for (int i = 0; i < 50 && s.processes[0].threads[0].intrusion != INTRUSION_MICRO_STOP; i++) {
		snapshot_release(&s);
		look(&s, pid, INTRUSION_MICRO_STOP);
	}
	is_int(s.processes[0].threads[0].intrusion, INTRUSION_MICRO_STOP, "stopped for a moment");
	ok(frame_of(&s, "zoo_spin") >= 0 && frame_of(&s, "main") > 0, "it shows where it spins");
	ok(s.root_count && strcmp(s.roots[0].pattern_id, "hang.spin") == 0, "which is the finding");
	snapshot_release(&s);
	proc_status_read(pid, pid, &st);
	is_int(st.tracer_pid, 0, "nobody traces it afterwards");
	child_end(pid);
}

static int by_time(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return x < y ? -1 : x > y;
}

static void how_long_it_stands(void)
{
	enum { ROUNDS = 200 };
	int64_t frozen[ROUNDS];
	pid_t pid = child_of(zoo_spin);
	struct snap_process p = { .pid = pid, .peek = { .pid = pid, .mem_fd = -1 } };
	int good = 0;

	usleep(20000);
	maps_read(&p.maps, pid);
	for (int i = 0; i < ROUNDS; i++) {
		struct snap_thread t = { .tid = pid };

		good += thread_stop_copy(&p, &t, 64 * 1024, NULL, &frozen[i]) == 0;
		free(t.stack);
	}
	qsort(frozen, ROUNDS, sizeof(*frozen), by_time);
	ok(good >= ROUNDS * 9 / 10, "micro-stops succeed, but for want of a CPU: %d of %d", good, ROUNDS);
	printf("# frozen: median %.0f us, 99th percentile %.0f us\n", (double)frozen[ROUNDS / 2] / 1e3,
	       (double)frozen[ROUNDS * 99 / 100] / 1e3);
	ok(frozen[ROUNDS / 2] < 5 * NS_PER_MS, "and is short");
	maps_release(&p.maps);
	child_end(pid);
}

/* epoll_wait ends with EINTR when it is traced: at level 0 it must not notice anything. */
static void child_polls(void)
{
	int ep = epoll_create1(0), n;
	struct epoll_event ev = { .events = EPOLLIN };

	epoll_ctl(ep, EPOLL_CTL_ADD, ready[0], &ev);
	n = epoll_wait(ep, &ev, 1, -1);
	_exit(n == 1 ? 0 : 1);
}

static void nothing_is_interrupted(void)
{
	struct snapshot s;
	int status = -1;
	pid_t pid;

	if (pipe(ready) < 0)
		return;
	pid = child_of(child_polls);
	ok(blocked(pid), "a child that waits in epoll_wait");
	for (int i = 0; i < 100; i++) {
		look(&s, pid, INTRUSION_MICRO_STOP);
		snapshot_release(&s);
	}
	is_int(write(ready[1], "x", 1), 1, "is woken");
	waitpid(pid, &status, 0);
	is_int(status, 0, "and saw one event and no EINTR in 100 looks");
}

/* The capturing process is killed at any moment: its target runs on. */
static void killed_in_the_middle(void)
{
	enum { KILLS = 150 };
	pid_t pid = child_of(zoo_spin);
	struct proc_status st;
	struct proc_stat before, after;
	int stopped = 0;

	srand(4711);
	for (int i = 0; i < KILLS; i++) {
		pid_t looker = fork();

		if (looker == 0)
			for (;;) {
				struct snapshot s;

				look(&s, pid, INTRUSION_MICRO_STOP);
				snapshot_release(&s);
			}
		usleep((useconds_t)(rand() % 4000));
		child_end(looker);
		proc_stat_read(pid, &before);
		stopped += before.state == 'T' || before.state == 't';
		proc_status_read(pid, pid, &st);
		stopped += st.tracer_pid != 0;
	}
	is_int(stopped, 0, "%d killed lookers left nobody stopped", KILLS);
	proc_stat_read(pid, &before);
	for (int i = 0; i < 200; i++, usleep(20000)) {
		proc_stat_read(pid, &after);
		if (proc_stat_cpu_ns(&after) > proc_stat_cpu_ns(&before))
			break;
	}
	ok(proc_stat_cpu_ns(&after) > proc_stat_cpu_ns(&before), "it runs on");
	child_end(pid);
}

static void stopped_stays_stopped(void)
{
	pid_t pid = child_of(child_reads);
	struct proc_stat st;
	struct snapshot s;

	blocked(pid);
	kill(pid, SIGSTOP);
	waitpid(pid, NULL, WUNTRACED);
	look(&s, pid, INTRUSION_MICRO_STOP);
	is_str(s.root_count ? s.roots[0].pattern_id : "none", "hang.stopped", "a stopped process is named");
	ok(frame_of(&s, "zoo_innermost") >= 0, "with its stack");
	snapshot_release(&s);
	proc_stat_read(pid, &st);
	is_int(st.state, 'T', "and stays stopped");
	child_end(pid);
}

static void gone_and_broken(void)
{
	pid_t pid = child_of(child_reads);
	unsigned char junk[256] = { 0x7f, 'E', 'L', 'F', 2, 1, 1 };
	struct elf_name name = { .vaddr = 64 };
	struct elf_file f;
	struct snapshot s;
	uint64_t vaddr;

	child_end(pid);
	look(&s, pid, INTRUSION_MICRO_STOP);
	is_int(s.process_count, 0, "a process that is gone is left out");
	snapshot_release(&s);
	memset(junk + 16, 0xff, sizeof(junk) - 16);
	ok(elf_file_from(&f, junk, sizeof(junk)) == 0 && !elf_file_vaddr(&f, 0, &vaddr) && !elf_file_names(&f, &name, 1) &&
	   !name.name && !elf_file_symbol(&f, "main", false), "absurd offsets lead nowhere");
	ok(elf_file_from(&f, "#!/bin/sh\n", 10) < 0, "a script is no ELF file");
}

static void names(void)
{
	struct { const char *mangled, *name; } t[] = {
		{ "_ZN3zoo4takeEi", "zoo::take(int)" },
		{ "_ZN4core3ops8function6FnOnce9call_once17h47931837d12a61adE", "core::ops::function::FnOnce::call_once" },
	};
	char *name = demangle(t[0].mangled);

	ok(demangle("main") == NULL, "a plain name is left alone");
	if (name) { /* only where there is a C++ library */
		is_str(name, t[0].name, "C++");
		free(name);
		name = demangle(t[1].mangled);
		is_str(name, t[1].name, "Rust loses its hash");
	}
	free(name);
}

/* A public name is found by the table that the dynamic linker uses: at the place where that finds it. */
static void public_names(void)
{
	static const char *const known[] = { "getppid", "__libc_start_main", "qsort", "environ" };
	uint64_t here = (uint64_t)(uintptr_t)dlsym(RTLD_DEFAULT, "getppid");
	struct maps maps;
	const struct map_entry *map = NULL;
	struct elf_file f;
	uint64_t vaddr = 0;
	int fd;

	if (maps_read(&maps, getpid()) == 0)
		map = maps_find(&maps, here);
	if (!ok(map != NULL, "libc is mapped"))
		return;
	fd = open(map->path, O_RDONLY | O_CLOEXEC);
	ok(fd >= 0 && elf_file_open(&f, fd) == 0, "and can be read");
	ok(elf_file_vaddr(&f, here - map->start + map->offset, &vaddr) && elf_file_symbol(&f, "getppid", true) == vaddr,
	   "its getppid is the one that we would call");
	for (size_t i = 1; i < sizeof(known) / sizeof(*known); i++)
		ok(elf_file_symbol(&f, known[i], true) != 0, "%s", known[i]);
	ok(!elf_file_symbol(&f, "getppi", true) && !elf_file_symbol(&f, "no_such_function", true) && !elf_file_symbol(&f, "", true),
	   "what is not there is not found");
	elf_file_close(&f);
	close(fd);
	maps_release(&maps);
}

#if defined(__x86_64__)
/* Where the first entries of the table of jumps to libraries are; 0 where this program was linked without one. */
static uint64_t plt_entry(const struct snap_process *p)
{
	static const char *const sections[] = { ".plt.sec", ".plt" };
	const struct map_entry *map = maps_find(&p->maps, (uint64_t)(uintptr_t)plt_entry);
	int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	uint64_t vaddr, offset, size, own, found = 0;
	struct elf_file f;

	if (fd < 0 || !map || elf_file_open(&f, fd) < 0)
		return 0;
	if (elf_file_vaddr(&f, (uint64_t)(uintptr_t)plt_entry - map->start + map->offset, &own))
		for (size_t i = 0; !found && i < 2; i++)
			if (elf_file_section(&f, sections[i], &vaddr, &offset, &size) && size >= 64)
				found = vaddr + 32 + ((uint64_t)(uintptr_t)plt_entry - own);
	elf_file_close(&f);
	close(fd);
	return found;
}

/* A thread that was caught between a call and the library's function, its return address just pushed. */
static void in_the_plt(void)
{
	pid_t pid = child_of(child_reads);
	int64_t deadline = clock_mono_ns() + 10 * NS_PER_S;
	struct snapshot_options o = { .deadline_ns = deadline };
	struct resolve_options ro = { .deadline_ns = deadline };
	struct snap_thread *t;
	struct snapshot s;
	uint64_t entry, back, word, slot = 0;

	blocked(pid);
	snapshot_capture(&s, &pid, 1, &o);
	snapshot_resolve(&s, &ro);
	t = &s.processes[0].threads[0];
	entry = plt_entry(&s.processes[0]);
	back = frame_of(&s, "zoo_innermost") > 0 ? t->frames[frame_of(&s, "zoo_innermost")].pc : 0;
	for (size_t at = 0; back && at + 8 <= t->stack_size; at += 8) {
		memcpy(&word, t->stack + at, sizeof(word));
		if (!slot && word == back)
			slot = t->stack_base + at;
	}
	if (entry && slot) {
		t->regs = (struct snap_regs){ .pc = entry, .have = UINT64_C(1) << SNAP_REG_SP };
		t->regs.r[SNAP_REG_SP] = slot;
		t->status = COLLECT_OK;
		snapshot_resolve(&s, &ro);
		ok(t->frame_count && t->frames[0].pc == entry, "a thread within the table of jumps");
		is_int(frame_of(&s, "zoo_innermost"), 1, "is followed to its caller");
		ok(frame_of(&s, "main") > 1, "and on to main");
	}
	snapshot_release(&s);
	child_end(pid);
}
#else
static void in_the_plt(void)
{
}
#endif

/* A language of one process: every thread runs one frame of it, below its innermost native one. */
static int double_freed;

static bool double_detect(struct native *n)
{
	return n->module_count > 0;
}

static void *double_collect(struct native *n, enum intrusion allowed, char *reason, size_t size)
{
	(void)n, (void)allowed;
	snprintf(reason, size, "%s", "half of it");
	return xstrdup("double");
}

static size_t double_merge(struct native *n, void *state)
{
	for (size_t i = 0; i < n->p->thread_count; i++) {
		struct snap_frame *f = thread_frame_add(&n->p->threads[i]);

		f->language = "double";
		f->function = xstrdup(state);
	}
	return n->p->thread_count;
}

static void double_free(void *state)
{
	double_freed++;
	free(state);
}

static void a_language(void)
{
	static const struct language_ops ops = { .name = "double", .detect = double_detect, .collect = double_collect,
						 .merge = double_merge, .free = double_free };
	static const struct language_ops *const table[] = { &ops, NULL };
	pid_t pid = child_of(child_reads);
	int64_t deadline = clock_mono_ns() + 10 * NS_PER_S;
	struct snapshot_options o = { .deadline_ns = deadline, .intrusion = INTRUSION_MICRO_STOP };
	struct resolve_options ro = { .deadline_ns = deadline, .intrusion = INTRUSION_MICRO_STOP, .languages = table };
	const struct snap_collector *row = NULL;
	struct snap_thread *t;
	struct snapshot s;

	blocked(pid);
	snapshot_capture(&s, &pid, 1, &o);
	snapshot_resolve(&s, &ro);
	t = &s.processes[0].threads[0];
	ok(frame_of(&s, "zoo_innermost") >= 0 && frame_of(&s, "double") == (int)t->frame_count - 1,
	   "a language's frames are merged after the native ones have their names");
	for (size_t i = 0; i < s.collector_count; i++)
		if (strcmp(s.collectors[i].name, "double") == 0)
			row = &s.collectors[i];
	ok(row && row->status == COLLECT_PARTIAL && row->reason && strcmp(row->reason, "half of it") == 0,
	   "it has a row of its own, with the reason for what is missing");
	is_int(double_freed, 1, "and its state is freed once");
	snapshot_release(&s);
	child_end(pid);
}

int main(void)
{
	a_language();
	public_names();
	in_the_plt();
	blocked_without_a_stop();
	running_with_a_stop();
	how_long_it_stands();
	nothing_is_interrupted();
	stopped_stays_stopped();
	gone_and_broken();
	names();
	killed_in_the_middle();
	return tap_done();
}
